-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION circuit_quota_guarded() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.customer_id <> OLD.customer_id THEN
        PERFORM onramp.refused('a_quota_stays_with_its_customer',
            'a quota stays with its customer');
    END IF;
    IF NEW.used <> OLD.used AND pg_trigger_depth() = 1 THEN
        PERFORM onramp.refused('circuits_are_counted_by_trigger',
            'used follows the rows of circuits and is never set');
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION circuit_quota_guarded() IS 'Refuses what the row of a quota may not become.';
