-- SPDX-License-Identifier: Apache-2.0
-- Histories by month: circuit_events in partitions by the time of the event, so that a month that
-- is old enough goes as a file goes, whatever is in it, with no row to delete and none to vacuum.
--
-- The key of a partitioned table holds what it is partitioned by. So whoever refers to an event
-- names its time too, and PostgreSQL looks into one partition: a circuit stands at the event of its
-- updated_at.
--
-- Two foreign keys become looks of triggers, with the same names. What circuits refer to could not
-- be dropped with its month: a circuit may stand at an event of years ago, and its row says itself
-- how it stands. And a key of the events on the graph would make the drop lock the graph against
-- callbacks that have read it and now want to write their event: a deadlock under any load. Neither
-- look is weaker: the graph changes by migration alone, and an event by nothing.

ALTER TABLE circuits DROP CONSTRAINT a_circuit_stands_at_its_last_event;
ALTER TABLE circuit_events RENAME TO circuit_events_whole;
ALTER TABLE circuit_events_whole RENAME CONSTRAINT a_history_has_one_event_a_number
    TO a_whole_history_has_one_event_a_number;

CREATE TABLE circuit_events (
    circuit_id uuid NOT NULL,
    sequence bigint NOT NULL,
    -- No index on id: events are read by circuit and sequence.
    id uuid NOT NULL DEFAULT uuid_v7(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    occurred_at timestamptz,
    -- No foreign key: a connection may be deleted, what happened to it may not.
    connection_id uuid,
    type text COLLATE "C" NOT NULL,
    from_status text COLLATE "C" NOT NULL,
    to_status text COLLATE "C" NOT NULL,
    actor_role actor NOT NULL,
    actor_name text NOT NULL,
    reason remark,
    -- The one index: it holds the history in order and is what a circuit is looked up by. Together
    -- with event_moves_circuit(), which takes an event of the circuit's updated_at alone, it lets no
    -- number be taken twice. That function also finds the circuit or refuses the event, and
    -- circuits are never deleted, so there is no foreign key to them: it would lock the circuit's
    -- row once more for every event.
    CONSTRAINT a_history_has_one_event_a_number PRIMARY KEY (circuit_id, sequence, at)
) PARTITION BY RANGE (at);
COMMENT ON TABLE circuit_events IS
    'Histories of circuits: who did what, when and why. Rows are never changed, and go with their '
    'month alone.';
DO $$
DECLARE
    v_column record;
BEGIN
    FOR v_column IN
        SELECT attname AS name, col_description(attrelid, attnum) AS comment
        FROM pg_attribute
        WHERE attrelid = 'circuit_events_whole'::regclass AND attnum > 0
    LOOP
        EXECUTE format('COMMENT ON COLUMN circuit_events.%I IS %L', v_column.name,
                       v_column.comment);
    END LOOP;
END
$$;

-- Attached, not made as a partition: that would lock all of circuit_events against everybody, this
-- lets reading and writing go on. Triggers for statements are those of the table that a statement
-- names, so a month has its own.
CREATE FUNCTION event_month_add(p_month date) RETURNS void
LANGUAGE plpgsql SET search_path = onramp, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    v_name text := to_char(p_month, '"circuit_events_"YYYY_MM');
    v_from timestamptz := date_trunc('month', p_month::timestamptz);
BEGIN
    EXECUTE format('CREATE TABLE %I (LIKE circuit_events INCLUDING DEFAULTS)', v_name);
    EXECUTE format('ALTER TABLE %I OWNER TO onramp_owner', v_name); -- whoever calls this
    EXECUTE format('CREATE TRIGGER an_event_is_never_changed '
                   'BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT '
                   'EXECUTE FUNCTION refuse(''an event is never changed or deleted'')', v_name);
    EXECUTE format('ALTER TABLE circuit_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   v_name, v_from, v_from + interval '1 month');
END
$$;
COMMENT ON FUNCTION event_month_add(date) IS 'Make room for the events of a month (UTC).';

CREATE VIEW event_months AS
SELECT to_date(right(c.relname, 7), 'YYYY_MM') AS month, c.oid::regclass AS events
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'onramp.circuit_events'::regclass;
COMMENT ON VIEW event_months IS 'The months that there is room for events of.';

-- Some ahead, so that a server that stands still for a season finds room when it starts.
CREATE FUNCTION event_months_extend() RETURNS void
LANGUAGE plpgsql SET search_path = onramp, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    v_last date := date_trunc('month', clock_timestamp()) + interval '3 months';
    v_month date;
BEGIN
    IF EXISTS (SELECT FROM event_months WHERE month = v_last)
       AND EXISTS (SELECT FROM event_months
                   WHERE month = date_trunc('month', clock_timestamp())) THEN
        RETURN;
    END IF;
    -- One at a time; who has waited sees in the next statement what the other has made.
    PERFORM pg_advisory_xact_lock(hashtextextended('event_months', 25));
    FOR v_month IN
        SELECT month::date FROM generate_series(date_trunc('month', clock_timestamp()), v_last,
                                                interval '1 month') AS month
        EXCEPT SELECT month FROM event_months
    LOOP
        PERFORM event_month_add(v_month);
    END LOOP;
END
$$;
COMMENT ON FUNCTION event_months_extend() IS
    'Make room for the events of this month and of three to come, where there is none.';

DO $$
BEGIN
    PERFORM event_months_extend();
    SET LOCAL timezone = 'UTC';
    PERFORM event_month_add(month)
    FROM (SELECT date_trunc('month', at)::date AS month FROM circuit_events_whole
          EXCEPT SELECT month FROM event_months) AS earlier;
END
$$;
INSERT INTO circuit_events
    (circuit_id, sequence, id, at, occurred_at, connection_id, type, from_status, to_status,
     actor_role, actor_name, reason)
SELECT circuit_id, sequence, id, at, occurred_at, connection_id, type, from_status, to_status,
       actor_role, actor_name, reason
FROM circuit_events_whole;

CREATE OR REPLACE VIEW event_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, e.id, e.circuit_id, e.sequence, e.type, e.at,
       e.occurred_at, e.actor_role, e.actor_name,
       CASE WHEN e.sequence > 1 THEN e.from_status END AS from_status, e.to_status,
       coalesce(e.reason, t.sentence) AS reason
FROM circuit_events e
JOIN provider_transition t
  ON t.from_status = e.from_status AND t.event = e.type AND t.to_status = e.to_status;
DROP TABLE circuit_events_whole;

CREATE TRIGGER an_event_moves_its_circuit AFTER INSERT ON circuit_events
    FOR EACH ROW EXECUTE FUNCTION event_moves_circuit();
CREATE TRIGGER an_event_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON circuit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('an event is never changed or deleted');

-- A status without its event can't be written. The event of this transaction is what it finds:
-- event_moves_circuit() lets no event stand that its circuit does not stand at.
--
-- One plan for all: to the planner, which does not count that the other months are left out at run
-- time, a new plan for every row seems to pay.
CREATE FUNCTION circuit_stands() RETURNS trigger
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF NEW.last_sequence = OLD.last_sequence AND NEW.provider_status = OLD.provider_status
       AND NEW.updated_at = OLD.updated_at
    THEN
        RETURN NULL;
    END IF;
    PERFORM FROM onramp.circuit_events
    WHERE circuit_id = NEW.id AND sequence = NEW.last_sequence AND at = NEW.updated_at
          AND to_status = NEW.provider_status;
    IF NOT FOUND THEN
        PERFORM onramp.refused('a_circuit_stands_at_its_last_event',
            'a circuit stands at its last event: by its number, its time and its status');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION circuit_stands() IS 'Refuses a change of a circuit that has no event.';
CREATE TRIGGER a_circuit_stands_at_its_last_event
    AFTER UPDATE OF last_sequence, provider_status, updated_at ON circuits
    FOR EACH ROW EXECUTE FUNCTION circuit_stands();
