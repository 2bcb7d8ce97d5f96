-- SPDX-License-Identifier: Apache-2.0
-- Histories by month: circuit_events in partitions by the time of the event, so that a month that
-- is old enough goes as a file goes, whatever is in it, with no row to delete and none to vacuum.
--
-- The key of a partitioned table holds what it is partitioned by. So whoever refers to an event
-- names its time too, and PostgreSQL looks into one partition: a circuit stands at the event of its
-- updated_at.
--
-- Two references are checked by triggers and are no foreign keys. What a foreign key of circuits
-- refers to could not be dropped with its month: a circuit may stand at an event of years ago, and
-- its row says itself how it stands. And a foreign key of the events on the graph would make the drop
-- lock the graph against callbacks that have read it and want to write their event: a deadlock under
-- any load. Neither check is weaker: the graph changes by migration alone, and an event by nothing.

CREATE TABLE circuit_events (
    circuit_id uuid NOT NULL,
    sequence bigint NOT NULL,
    -- No index on id: events are read by circuit and sequence.
    id uuid NOT NULL DEFAULT uuid_v7(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    occurred_at timestamptz,
    -- No foreign key: a connection may be deleted, what happened to it may not.
    connection_id uuid,
    vnet_customer_id uuid,
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
COMMENT ON COLUMN circuit_events.circuit_id IS 'What it happened to.';
COMMENT ON COLUMN circuit_events.sequence IS 'Counts 1, 2, 3 ... per circuit.';
COMMENT ON COLUMN circuit_events.id IS 'UUID v7.';
COMMENT ON COLUMN circuit_events.at IS 'When, by our clock.';
COMMENT ON COLUMN circuit_events.occurred_at IS
    'When, by the partner''s clock, if it was a callback.';
COMMENT ON COLUMN circuit_events.connection_id IS 'The connection, for events of connections.';
COMMENT ON COLUMN circuit_events.vnet_customer_id IS
    'The owner of the connection''s VNet, where that is not the circuit''s owner.';
COMMENT ON COLUMN circuit_events.type IS 'What happened: an event of the graph.';
COMMENT ON COLUMN circuit_events.from_status IS 'Provider status before.';
COMMENT ON COLUMN circuit_events.to_status IS 'Provider status after.';
COMMENT ON COLUMN circuit_events.actor_role IS 'customer, partner, operator or system.';
COMMENT ON COLUMN circuit_events.actor_name IS 'Display name of who did it.';
COMMENT ON COLUMN circuit_events.reason IS
    'Why, in the actor''s words; null: the sentence of the edge says it.';

CREATE VIEW event_months AS
SELECT to_date(right(c.relname, 7), 'YYYY_MM') AS month, c.oid::regclass AS events
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'onramp.circuit_events'::regclass;
COMMENT ON VIEW event_months IS 'The months that there is room for events of.';

\ir functions/event_moves_circuit.sql
CREATE TRIGGER an_event_moves_its_circuit AFTER INSERT ON circuit_events
    FOR EACH ROW EXECUTE FUNCTION event_moves_circuit();
CREATE TRIGGER an_event_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON circuit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('an event is never changed or deleted');

\ir functions/circuit_stands.sql
CREATE TRIGGER a_circuit_stands_at_its_last_event
    AFTER UPDATE OF last_sequence, provider_status, updated_at ON circuits
    FOR EACH ROW EXECUTE FUNCTION circuit_stands();

\ir functions/circuits_begin.sql
CREATE TRIGGER circuits_begin_with_an_event AFTER INSERT ON circuits
    REFERENCING NEW TABLE AS ordered
    FOR EACH STATEMENT EXECUTE FUNCTION circuits_begin();

-- Who acts on another customer's circuit is the VNet's owner; the circuit's owner sees that it was,
-- and operators see who. A table beside the events, not a column of theirs: such events are few.
CREATE TABLE acts_of_vnet_owners (
    -- No foreign key: written beside its event, under the circuit's lock; events are never deleted.
    circuit_id uuid NOT NULL,
    sequence bigint NOT NULL,
    customer_id uuid NOT NULL CONSTRAINT an_act_is_a_customers REFERENCES customers,
    CONSTRAINT an_event_has_one_actor PRIMARY KEY (circuit_id, sequence)
);
COMMENT ON TABLE acts_of_vnet_owners IS
    'Events whose actor owns the VNet and not the circuit. Rows are never changed, and go with '
    'their event alone.';
COMMENT ON COLUMN acts_of_vnet_owners.circuit_id IS 'The circuit of the event.';
COMMENT ON COLUMN acts_of_vnet_owners.sequence IS 'The number of the event.';
COMMENT ON COLUMN acts_of_vnet_owners.customer_id IS 'The owner of the VNet, who acted.';
CREATE TRIGGER an_act_is_never_changed BEFORE UPDATE OR TRUNCATE ON acts_of_vnet_owners
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('what somebody did is never changed or deleted');
\ir functions/act_noted.sql
CREATE TRIGGER an_act_is_of_the_vnets_owner AFTER INSERT ON acts_of_vnet_owners
    FOR EACH ROW EXECUTE FUNCTION act_noted();
-- What somebody did goes with its event. The event is still there then, so that it can be asked.
\ir functions/act_forgotten.sql
CREATE TRIGGER an_act_is_kept_as_long_as_its_event AFTER DELETE ON acts_of_vnet_owners
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION act_forgotten();
