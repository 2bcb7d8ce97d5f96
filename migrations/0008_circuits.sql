-- SPDX-License-Identifier: Apache-2.0
-- Circuits and their histories.
--
-- The event drives the status. A circuit stands at its last event: (id, last_sequence,
-- provider_status) refers to a row of circuit_events, whose (from_status, type, to_status) refers
-- to an edge of the graph. So a status without its event, or an event without its edge, can't be
-- written.

-- Whom a circuit waits for. The one place of this rule: the column waiting_on is kept by it alone.
-- Quoted: the partner has shown that it holds the key. Returned: the partner rejected the order or
-- reported it deprovisioned, and has said nothing since.
CREATE FUNCTION waits_for(circuit_status text, provider_status text, deprovision_requested boolean,
                          quoted boolean, returned boolean, deleted boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN deleted THEN 'nobody'
    WHEN circuit_status = 'Disabled' THEN 'operator'
    WHEN deprovision_requested OR provider_status IN ('Provisioning', 'Deprovisioning')
        THEN 'partner'
    WHEN provider_status = 'Provisioned' THEN 'nobody'
    WHEN quoted AND NOT returned THEN 'partner'
    ELSE 'customer'
END;
COMMENT ON FUNCTION waits_for(text, text, boolean, boolean, boolean, boolean) IS
    'Whom a circuit waits for: customer, partner, operator or nobody.';

-- Column order: fixed-width columns by alignment first, texts last, so that no row pays padding.
CREATE TABLE circuits (
    id uuid DEFAULT uuid_v7() PRIMARY KEY,
    customer_id uuid NOT NULL CONSTRAINT a_circuit_is_a_customers REFERENCES customers,
    service_key uuid NOT NULL DEFAULT gen_random_uuid()
        CONSTRAINT a_service_key_means_one_circuit UNIQUE,
    last_sequence bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Infinity, not null, where nothing is due: index columns that can be compared.
    due_at timestamptz NOT NULL DEFAULT 'infinity',
    service_key_issued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    key_quoted_at timestamptz,
    expected_by timestamptz,
    deprovision_requested_at timestamptz,
    provisioned_at timestamptz,
    deprovisioned_at timestamptz,
    deleted_at timestamptz,
    partner_timestamp timestamptz,
    bandwidth_mbps integer NOT NULL,
    used smallint NOT NULL DEFAULT 0,
    vnet_limit smallint NOT NULL,
    s_tag vlan,
    returned boolean NOT NULL DEFAULT false,
    stalled boolean NOT NULL DEFAULT false,
    delete_when_deprovisioned boolean NOT NULL DEFAULT false,
    provider_status text COLLATE "C" NOT NULL DEFAULT 'NotProvisioned',
    previous_status text COLLATE "C" NOT NULL DEFAULT 'NotProvisioned',
    listed_as text COLLATE "C" NOT NULL DEFAULT 'NotProvisioned',
    shown_as text COLLATE "C" NOT NULL DEFAULT '',
    waiting_on text COLLATE "C" NOT NULL DEFAULT 'customer',
    circuit_status circuit_switch NOT NULL DEFAULT 'Enabled',
    sku_tier text COLLATE "C" NOT NULL,
    sku_family billing_family NOT NULL,
    partner text COLLATE "C" NOT NULL
        CONSTRAINT a_circuit_is_built_by_a_partner REFERENCES partners,
    peering_location text COLLATE "C" NOT NULL
        CONSTRAINT a_circuit_is_at_a_location REFERENCES peering_locations,
    name display_name NOT NULL,
    tags tags NOT NULL DEFAULT '{}',
    -- As it is shown: {"reason", "at"}. It is replaced as a whole and never searched.
    last_rejection jsonb,
    primary_port label,
    secondary_port label,
    partner_reference label,
    partner_note remark,

    -- The limit. used rises and falls with the rows of connections (trigger A_connection_counted).
    CONSTRAINT a_circuit_connects_at_most_its_limit CHECK (used BETWEEN 0 AND vnet_limit),
    -- vnet_limit is a copy, because a CHECK sees one row; this keeps it the limit data's, and lets
    -- a change there arrive here (where the CHECK above may refuse it).
    CONSTRAINT a_circuits_limit_is_the_limit_datas
        FOREIGN KEY (sku_tier, bandwidth_mbps, vnet_limit)
        REFERENCES vnet_limits (tier, bandwidth_mbps, vnets) ON UPDATE CASCADE,
    -- What the composite keys of connections and authorizations refer to.
    CONSTRAINT a_circuit_is_one_customers UNIQUE (customer_id, id)
)
-- A quarter of each page stays free: connecting, reporting and ordering marks change no indexed
-- column, so their new row versions stay on the page and touch no index (HOT).
WITH (fillfactor = 75);

-- Keyset lists: what they filter on, then id. Few: every index costs 2 us in every UPDATE of this
-- table, HOT or not, for being opened. Deleted circuits stay for ever and are listed by operators
-- alone, so the lists of the living leave them out instead of reading past them. NULLS FIRST,
-- though no id is null: lists ask for that order, which the primary key does not give. Otherwise
-- the planner takes the primary key for any common value and reads past all rows of another one
-- that lie in between: 220 ms for a page at a million circuits, instead of 0.3.
CREATE INDEX circuits_listed ON circuits (listed_as, id NULLS FIRST);
CREATE INDEX circuits_of_customer ON circuits (customer_id, id NULLS FIRST)
    WHERE deleted_at IS NULL;
CREATE INDEX circuits_of_partner ON circuits (partner, shown_as, id NULLS FIRST)
    WHERE deleted_at IS NULL;
CREATE INDEX circuits_at_location ON circuits (peering_location, id NULLS FIRST)
    WHERE deleted_at IS NULL;
-- What is due, for circuit_stall; and, with nothing due, lists by whom they wait for.
CREATE INDEX circuits_waiting ON circuits (waiting_on, due_at, id NULLS FIRST);

COMMENT ON TABLE circuits IS
    'Ordered private connections. A row is never deleted: history and key outlive the circuit.';
COMMENT ON COLUMN circuits.id IS 'UUID v7.';
COMMENT ON COLUMN circuits.customer_id IS 'The owner.';
COMMENT ON COLUMN circuits.service_key IS
    'UUID v4: the handle by which customer and partner mean the same circuit.';
COMMENT ON COLUMN circuits.last_sequence IS
    'Sequence of the last event; also the version: every change that is shown has one event.';
COMMENT ON COLUMN circuits.created_at IS 'When it was ordered; the billing clock starts here.';
COMMENT ON COLUMN circuits.updated_at IS 'When anything that is shown last changed.';
COMMENT ON COLUMN circuits.since IS
    'When (provider_status, waiting_on) last changed. Kept by a trigger.';
COMMENT ON COLUMN circuits.due_at IS
    'When it becomes stalled; infinity: never as things are. Kept by a trigger.';
COMMENT ON COLUMN circuits.service_key_issued_at IS 'When the present key was issued.';
COMMENT ON COLUMN circuits.key_quoted_at IS
    'When the partner first showed that it holds the present key.';
COMMENT ON COLUMN circuits.expected_by IS 'When the partner expects to be done, in its own words.';
COMMENT ON COLUMN circuits.deprovision_requested_at IS
    'When the customer asked for it to be torn down; null: not asked.';
COMMENT ON COLUMN circuits.provisioned_at IS 'When it was last provisioned, by our clock.';
COMMENT ON COLUMN circuits.deprovisioned_at IS 'When it was last deprovisioned, by our clock.';
COMMENT ON COLUMN circuits.deleted_at IS 'When it was deleted; the billing clock stops here.';
COMMENT ON COLUMN circuits.partner_timestamp IS
    'The ordering mark: newest timestamp of a callback that was answered applied or already.';
COMMENT ON COLUMN circuits.bandwidth_mbps IS 'Bandwidth in Mbps.';
COMMENT ON COLUMN circuits.used IS 'Connections that exist. Kept by a trigger.';
COMMENT ON COLUMN circuits.vnet_limit IS
    'The most connections: vnet_limits for its tier and bandwidth.';
COMMENT ON COLUMN circuits.s_tag IS 'Outer VLAN tag (IEEE 802.1ad), as the partner says.';
COMMENT ON COLUMN circuits.returned IS
    'The partner rejected or deprovisioned it, and has said nothing since: the customer has to '
    'act.';
COMMENT ON COLUMN circuits.stalled IS 'The partner has let the deadline pass.';
COMMENT ON COLUMN circuits.delete_when_deprovisioned IS
    'Delete it as soon as it is NotProvisioned.';
COMMENT ON COLUMN circuits.shown_as IS
    'provider_status, where the partner has quoted the key; otherwise empty. Kept by a trigger, '
    'for the partner''s list.';
COMMENT ON COLUMN circuits.provider_status IS
    'Status on the partner''s side; moved by events alone.';
COMMENT ON COLUMN circuits.previous_status IS 'provider_status before the last event.';
COMMENT ON COLUMN circuits.listed_as IS
    'provider_status, or Deleted. Kept by a trigger, for lists.';
COMMENT ON COLUMN circuits.waiting_on IS
    'Whom it waits for: customer, partner, operator or nobody. Kept by a trigger.';
COMMENT ON COLUMN circuits.circuit_status IS 'Enabled or Disabled; the operator''s.';
COMMENT ON COLUMN circuits.sku_tier IS 'Local, Standard or Premium.';
COMMENT ON COLUMN circuits.sku_family IS 'MeteredData or UnlimitedData.';
COMMENT ON COLUMN circuits.partner IS 'The partner that builds it.';
COMMENT ON COLUMN circuits.peering_location IS 'Where partner and cloud meet.';
COMMENT ON COLUMN circuits.name IS 'The customer''s name for it; not unique.';
COMMENT ON COLUMN circuits.tags IS 'The customer''s labels.';
COMMENT ON COLUMN circuits.last_rejection IS 'Why and when the partner last rejected; null: never.';
COMMENT ON COLUMN circuits.primary_port IS 'Port of the primary link, as the partner says.';
COMMENT ON COLUMN circuits.secondary_port IS 'Port of the secondary link, as the partner says.';
COMMENT ON COLUMN circuits.partner_reference IS 'The partner''s own order number.';
COMMENT ON COLUMN circuits.partner_note IS 'The partner''s last note.';

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
    -- The one index: it holds the history in order, is what a circuit's status refers to, and
    -- together with event_moves_circuit() lets no sequence number be taken twice. That function
    -- also finds the circuit or refuses the event, and circuits are never deleted, so there is no
    -- foreign key to them: it would lock the circuit's row once more for every event.
    CONSTRAINT a_history_has_one_event_a_number PRIMARY KEY (circuit_id, sequence, to_status),
    CONSTRAINT an_event_follows_an_edge_of_the_graph
        FOREIGN KEY (from_status, type, to_status)
        REFERENCES provider_transition (from_status, event, to_status)
);
COMMENT ON TABLE circuit_events IS
    'Histories of circuits: who did what, when and why. Rows are never changed or deleted.';
COMMENT ON COLUMN circuit_events.circuit_id IS 'What it happened to.';
COMMENT ON COLUMN circuit_events.sequence IS 'Counts 1, 2, 3 ... per circuit.';
COMMENT ON COLUMN circuit_events.id IS 'UUID v7.';
COMMENT ON COLUMN circuit_events.at IS 'When, by our clock.';
COMMENT ON COLUMN circuit_events.occurred_at IS
    'When, by the partner''s clock, if it was a callback.';
COMMENT ON COLUMN circuit_events.connection_id IS 'The connection, for events of connections.';
COMMENT ON COLUMN circuit_events.type IS 'What happened: an event of the graph.';
COMMENT ON COLUMN circuit_events.from_status IS 'Provider status before.';
COMMENT ON COLUMN circuit_events.to_status IS 'Provider status after.';
COMMENT ON COLUMN circuit_events.actor_role IS 'customer, partner, operator or system.';
COMMENT ON COLUMN circuit_events.actor_name IS 'Display name of who did it.';
COMMENT ON COLUMN circuit_events.reason IS
    'Why, in the actor''s words; null: the sentence of the edge says it.';

ALTER TABLE circuits
    ADD CONSTRAINT a_circuit_stands_at_its_last_event
    FOREIGN KEY (id, last_sequence, provider_status)
    REFERENCES circuit_events (circuit_id, sequence, to_status);

-- Who acts, for the events that triggers write: set by the functions of the API for their own
-- transaction as 'role:name'. Raw SQL has none: then it is an operator, by the name of the login.
CREATE FUNCTION actor_role() RETURNS text
LANGUAGE sql STABLE
RETURN coalesce(nullif(split_part(current_setting('onramp.actor', true), ':', 1), ''), 'operator');
COMMENT ON FUNCTION actor_role() IS 'Role of who acts in this transaction.';
CREATE FUNCTION actor_name() RETURNS text
LANGUAGE sql STABLE
RETURN coalesce(substring(current_setting('onramp.actor', true) FROM ':(.*)'), session_user::text);
COMMENT ON FUNCTION actor_name() IS 'Name of who acts in this transaction.';

-- The first event. Its trigger sorts before RI_ConstraintTrigger, whose check needs the event:
-- A_...
CREATE FUNCTION circuit_begins() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO onramp.circuit_events
        (circuit_id, sequence, at, type, from_status, to_status, actor_role, actor_name)
    VALUES (NEW.id, 1, NEW.created_at, 'circuit.created', 'NotProvisioned', 'NotProvisioned',
            onramp.actor_role(), onramp.actor_name());
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION circuit_begins() IS 'Writes the first event of a new circuit.';
CREATE TRIGGER "A_circuit_begins" AFTER INSERT ON circuits
    FOR EACH ROW EXECUTE FUNCTION circuit_begins();

-- An event moves its circuit, and only from the status and the number that it stands at. A function
-- that changes more of the circuit writes event and circuit in one statement; then the circuit
-- stands there already, having come from from_status (previous_status is the guard's word for
-- that).
CREATE FUNCTION event_moves_circuit() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.type = 'circuit.created') <> (NEW.sequence = 1) THEN
        PERFORM onramp.refused('a_history_begins_with_the_order',
            'a history begins with circuit.created, and has it once');
    END IF;
    IF (left(NEW.type, 11) = 'connection.') <> (NEW.connection_id IS NOT NULL) THEN
        PERFORM onramp.refused('an_event_of_a_connection_names_it',
            'an event of a connection names it, and no other does');
    END IF;
    PERFORM FROM onramp.circuits
    WHERE id = NEW.circuit_id AND last_sequence = NEW.sequence
          AND previous_status = NEW.from_status AND provider_status = NEW.to_status;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE onramp.circuits
    SET last_sequence = NEW.sequence, previous_status = NEW.from_status,
        provider_status = NEW.to_status, updated_at = NEW.at
    WHERE id = NEW.circuit_id AND last_sequence = NEW.sequence - 1
        AND provider_status = NEW.from_status;
    IF NOT FOUND THEN
        PERFORM onramp.refused('an_event_moves_its_circuit',
            'an event moves its circuit from the status and the event that it stands at');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION event_moves_circuit() IS
    'Moves the circuit by its new event, or refuses the event.';
CREATE TRIGGER an_event_moves_its_circuit AFTER INSERT ON circuit_events
    FOR EACH ROW EXECUTE FUNCTION event_moves_circuit();

CREATE TRIGGER an_event_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON circuit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('an event is never changed or deleted');

-- The guard of a circuit's row, and the keeper of what follows from its other columns. BEFORE, and
-- not a counter: it looks at the row that is being written and at no other. One function for all of
-- it: a call costs 2 us, a CHECK or a WHEN 3 us apiece.
CREATE FUNCTION circuit_guarded() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_waits text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.used <> 0 OR NEW.last_sequence <> 1 OR NEW.deleted_at IS NOT NULL
           OR NEW.provider_status <> 'NotProvisioned' OR NEW.previous_status <> 'NotProvisioned'
        THEN
            PERFORM onramp.refused('a_circuit_begins_empty_and_not_provisioned',
                'a circuit begins empty, not provisioned, with its first event');
        END IF;
        IF NEW.sku_tier = 'Local' AND NEW.sku_family <> 'UnlimitedData' THEN
            PERFORM onramp.refused('a_local_circuit_is_not_metered',
                'a Local circuit is UnlimitedData');
        END IF;
        NEW.listed_as := 'NotProvisioned';
        NEW.shown_as := CASE WHEN NEW.key_quoted_at IS NULL THEN '' ELSE NEW.provider_status END;
        NEW.waiting_on := onramp.waits_for(NEW.circuit_status, NEW.provider_status,
            NEW.deprovision_requested_at IS NOT NULL, NEW.key_quoted_at IS NOT NULL,
            NEW.returned, false);
        RETURN NEW;
    END IF;

    IF NOT (NEW.last_sequence = OLD.last_sequence + 1 AND NEW.previous_status = OLD.provider_status)
       AND NOT (NEW.last_sequence = OLD.last_sequence AND NEW.provider_status = OLD.provider_status
                AND NEW.previous_status = OLD.previous_status)
    THEN
        PERFORM onramp.refused('a_circuit_moves_by_one_event',
            'a circuit moves by one event at a time, from the status that it stands at');
    END IF;
    IF NEW.sku_tier = 'Local' AND NEW.sku_family <> 'UnlimitedData' THEN
        PERFORM onramp.refused('a_local_circuit_is_not_metered',
            'a Local circuit is UnlimitedData');
    END IF;
    IF NEW.deleted_at IS NOT NULL AND (NEW.used > 0 OR NEW.provider_status <> 'NotProvisioned') THEN
        PERFORM onramp.refused('a_deleted_circuit_is_empty_and_not_provisioned',
            'a deleted circuit is empty and not provisioned');
    END IF;
    IF OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS DISTINCT FROM OLD.deleted_at THEN
        PERFORM onramp.refused('a_deleted_circuit_stays_deleted',
            'a deleted circuit stays deleted');
    END IF;

    v_waits := onramp.waits_for(NEW.circuit_status, NEW.provider_status,
        NEW.deprovision_requested_at IS NOT NULL, NEW.key_quoted_at IS NOT NULL,
        NEW.returned, NEW.deleted_at IS NOT NULL);
    NEW.listed_as := CASE WHEN NEW.deleted_at IS NULL THEN NEW.provider_status ELSE 'Deleted' END;
    IF NEW.provider_status <> OLD.provider_status OR v_waits <> OLD.waiting_on THEN
        NEW.waiting_on := v_waits;
        NEW.since := clock_timestamp();
        NEW.stalled := false;
        NEW.due_at := CASE
            WHEN v_waits <> 'partner' THEN 'infinity'
            -- A date counts for the wait in which it was given.
            WHEN NEW.expected_by IS DISTINCT FROM OLD.expected_by AND NEW.expected_by IS NOT NULL
                THEN NEW.expected_by
            ELSE NEW.since + (SELECT partner_patience FROM onramp.settings)
        END;
    ELSE
        NEW.waiting_on := OLD.waiting_on;
        NEW.since := OLD.since;
        NEW.due_at := OLD.due_at;
        IF NEW.expected_by IS DISTINCT FROM OLD.expected_by AND v_waits = 'partner' THEN
            IF NEW.expected_by IS NOT NULL THEN
                -- A new date re-arms the deadline.
                NEW.stalled := false;
                NEW.due_at := NEW.expected_by;
            ELSIF NOT NEW.stalled THEN
                NEW.due_at := NEW.since + (SELECT partner_patience FROM onramp.settings);
            END IF;
        ELSIF NEW.stalled THEN
            NEW.due_at := 'infinity';
        END IF;
    END IF;
    NEW.shown_as := CASE WHEN NEW.key_quoted_at IS NULL THEN '' ELSE NEW.provider_status END;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION circuit_guarded() IS
    'Refuses what a circuit''s row may not become; keeps since, waiting_on, due_at, listed_as and '
    'shown_as.';
CREATE TRIGGER a_circuit_is_guarded BEFORE INSERT OR UPDATE ON circuits
    FOR EACH ROW EXECUTE FUNCTION circuit_guarded();

-- Guards that need no look at the row. OF: no cost to statements that leave these columns alone.
CREATE TRIGGER a_circuit_keeps_what_it_is
    BEFORE UPDATE OF id, customer_id, created_at, partner, peering_location ON circuits
    FOR EACH STATEMENT
        EXECUTE FUNCTION refuse('the identity, owner, partner and place of a circuit never change');
CREATE TRIGGER a_circuits_connections_are_counted_by_trigger BEFORE UPDATE OF used ON circuits
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('used follows the rows of connections and is never set');
CREATE TRIGGER a_circuits_row_is_never_deleted BEFORE DELETE OR TRUNCATE ON circuits
    FOR EACH STATEMENT
        EXECUTE FUNCTION refuse('the row of a circuit is never deleted; set deleted_at');
