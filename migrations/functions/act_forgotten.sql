-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION act_forgotten() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM gone WHERE NOT EXISTS (
                   SELECT FROM onramp.circuit_events e, onramp.settings s
                   WHERE e.circuit_id = gone.circuit_id AND e.sequence = gone.sequence
                         AND e.at < clock_timestamp() - s.event_retention)) THEN
        PERFORM onramp.refused('an_act_is_kept_as_long_as_its_event',
            'what somebody did is never deleted before its event');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION act_forgotten() IS 'Refuses to forget who acted in an event that is kept.';
