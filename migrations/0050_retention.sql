-- SPDX-License-Identifier: Apache-2.0
-- For how long histories are kept: whole months, once all that is in them is older.

-- Null: for ever. Longer than the feed, whose rows lead to events.
ALTER TABLE settings ADD COLUMN event_retention interval
    CONSTRAINT the_history_is_kept_longer_than_the_feed
    CHECK (event_retention >= feed_retention + interval '1 day');
COMMENT ON COLUMN settings.event_retention IS
    'How long histories of circuits are kept; null: for ever.';

CREATE FUNCTION month_expires(p_month date, p_retention interval) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN ((p_month + interval '1 month') AT TIME ZONE 'UTC') + p_retention;
COMMENT ON FUNCTION month_expires(date, interval) IS
    'When the last event of a month has been kept for that long; null: never.';

CREATE TYPE month_kept AS (outcome text, facts jsonb, kept_days int, month date, events bigint,
                           bytes bigint, expires_at timestamptz, expired boolean);
COMMENT ON TYPE month_kept IS 'A month of histories: how much is in it, and until when.';

-- What somebody did goes with its event. The event is still there then, so that it can be asked.
DROP TRIGGER an_act_is_never_changed ON acts_of_vnet_owners;
CREATE TRIGGER an_act_is_never_changed BEFORE UPDATE OR TRUNCATE ON acts_of_vnet_owners
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('what somebody did is never changed or deleted');
CREATE FUNCTION act_forgotten() RETURNS trigger
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
CREATE TRIGGER an_act_is_kept_as_long_as_its_event AFTER DELETE ON acts_of_vnet_owners
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION act_forgotten();
COMMENT ON TABLE acts_of_vnet_owners IS
    'Events whose actor owns the VNet and not the circuit. Rows are never changed, and go with '
    'their event alone.';
