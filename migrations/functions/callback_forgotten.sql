-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION callback_forgotten() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.answered_at > clock_timestamp() - interval '8 days' THEN
        PERFORM onramp.refused('a_callback_is_remembered_for_8_days',
            'a callback that was answered is remembered for 8 days');
    END IF;
    RETURN OLD;
END
$$;
COMMENT ON FUNCTION callback_forgotten() IS 'Refuses to forget a callback before its time.';
