-- SPDX-License-Identifier: Apache-2.0
-- Circuits and their histories.
--
-- The event drives the status. A circuit stands at its last event: (id, last_sequence,
-- provider_status) refers to a row of circuit_events, whose (from_status, type, to_status) refers to an
-- edge of the graph. So a status without its event, or an event without its edge, can't be written.

-- Whom a circuit waits for. The one place of this rule: the column waiting_on is generated from it.
-- Quoted: the partner has shown that it holds the key. Returned: the partner rejected the order or
-- reported it deprovisioned, and has said nothing since.
CREATE FUNCTION waits_for(circuit_status text, provider_status text, deprovision_requested boolean,
                          quoted boolean, returned boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN circuit_status = 'Disabled' THEN 'operator'
    WHEN deprovision_requested OR provider_status IN ('Provisioning', 'Deprovisioning') THEN 'partner'
    WHEN provider_status = 'Provisioned' THEN 'nobody'
    WHEN quoted AND NOT returned THEN 'partner'
    ELSE 'customer'
END;
COMMENT ON FUNCTION waits_for(text, text, boolean, boolean, boolean) IS 'Whom a circuit waits for: customer, partner, operator or nobody.';

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
    service_key_issued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    key_quoted_at timestamptz,
    expected_by timestamptz,
    due_at timestamptz,
    deprovision_requested_at timestamptz,
    provisioned_at timestamptz,
    deprovisioned_at timestamptz,
    deleted_at timestamptz,
    partner_timestamp timestamptz,
    rejected_at timestamptz,
    bandwidth_mbps integer NOT NULL,
    used smallint NOT NULL DEFAULT 0,
    vnet_limit smallint NOT NULL,
    s_tag smallint CONSTRAINT an_s_tag_is_a_vlan CHECK (s_tag BETWEEN 1 AND 4094),
    returned boolean NOT NULL DEFAULT false,
    stalled boolean NOT NULL DEFAULT false,
    delete_when_deprovisioned boolean NOT NULL DEFAULT false,
    provider_status text COLLATE "C" NOT NULL DEFAULT 'NotProvisioned',
    previous_status text COLLATE "C" NOT NULL DEFAULT 'NotProvisioned',
    circuit_status text COLLATE "C" NOT NULL DEFAULT 'Enabled'
        CONSTRAINT a_circuit_is_enabled_or_disabled CHECK (circuit_status IN ('Enabled', 'Disabled')),
    waiting_on text COLLATE "C" NOT NULL GENERATED ALWAYS AS
        (waits_for(circuit_status, provider_status, deprovision_requested_at IS NOT NULL,
                   key_quoted_at IS NOT NULL, returned)) STORED,
    sku_tier text COLLATE "C" NOT NULL,
    sku_family text COLLATE "C" NOT NULL
        CONSTRAINT a_circuits_family_is_known CHECK (sku_family IN ('MeteredData', 'UnlimitedData')),
    partner text COLLATE "C" NOT NULL CONSTRAINT a_circuit_is_built_by_a_partner REFERENCES partners,
    peering_location text COLLATE "C" NOT NULL
        CONSTRAINT a_circuit_is_at_a_location REFERENCES peering_locations,
    name text NOT NULL
        CONSTRAINT a_circuits_name_has_1_to_80_characters CHECK (char_length(name) BETWEEN 1 AND 80),
    tags jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT a_circuits_tags_are_an_object CHECK (jsonb_typeof(tags) = 'object'),
    primary_port text CONSTRAINT a_primary_port_has_120_characters_at_most CHECK (char_length(primary_port) <= 120),
    secondary_port text CONSTRAINT a_secondary_port_has_120_characters_at_most CHECK (char_length(secondary_port) <= 120),
    partner_reference text CONSTRAINT a_partner_reference_has_120_characters_at_most CHECK (char_length(partner_reference) <= 120),
    partner_note text CONSTRAINT a_partner_note_has_1000_characters_at_most CHECK (char_length(partner_note) <= 1000),
    rejection_reason text CONSTRAINT a_rejection_reason_has_1000_characters_at_most CHECK (char_length(rejection_reason) <= 1000),

    CONSTRAINT a_local_circuit_is_not_metered
        CHECK (sku_tier <> 'Local' OR sku_family = 'UnlimitedData'),
    -- The limit. used rises and falls with the rows of connections (trigger A_connection_counted).
    CONSTRAINT a_circuit_connects_at_most_its_limit CHECK (used BETWEEN 0 AND vnet_limit),
    -- vnet_limit is a copy, because a CHECK sees one row; this keeps it the limit data's, and lets a
    -- change there arrive here (where the CHECK above may refuse it).
    CONSTRAINT a_circuits_limit_is_the_limit_datas
        FOREIGN KEY (sku_tier, bandwidth_mbps, vnet_limit)
        REFERENCES vnet_limits (tier, bandwidth_mbps, vnets) ON UPDATE CASCADE,
    CONSTRAINT a_rejection_has_time_and_reason
        CHECK ((rejected_at IS NULL) = (rejection_reason IS NULL)),
    CONSTRAINT only_a_requested_deprovisioning_deletes
        CHECK (NOT delete_when_deprovisioned OR deprovision_requested_at IS NOT NULL),
    CONSTRAINT a_deleted_circuit_is_empty_and_not_provisioned
        CHECK (deleted_at IS NULL OR (provider_status = 'NotProvisioned' AND used = 0)),
    -- What the composite keys of connections and authorizations refer to.
    CONSTRAINT a_circuit_is_one_customers UNIQUE (customer_id, id)
)
-- A quarter of each page stays free: connecting, reporting and ordering marks change no indexed
-- column, so their new row versions stay on the page and touch no index (HOT).
WITH (fillfactor = 75);

-- Keyset lists, each by what it filters on, then id. Deleted circuits stay for ever and are listed by
-- operators alone, so the lists of the living leave them out rather than read past them.
CREATE INDEX circuits_living ON circuits (id) WHERE deleted_at IS NULL;
CREATE INDEX circuits_of_customer ON circuits (customer_id, id) WHERE deleted_at IS NULL;
CREATE INDEX circuits_of_partner ON circuits (partner, id) WHERE deleted_at IS NULL;
CREATE INDEX circuits_at_location ON circuits (peering_location, id) WHERE deleted_at IS NULL;
CREATE INDEX circuits_in_status ON circuits (provider_status, id) WHERE deleted_at IS NULL;
CREATE INDEX circuits_disabled ON circuits (id) WHERE circuit_status = 'Disabled' AND deleted_at IS NULL;
CREATE INDEX circuits_deleted ON circuits (id) WHERE deleted_at IS NOT NULL;
-- The partner's own list begins at quoting; most circuits of a big partner may not be quoted yet.
CREATE INDEX circuits_quoted ON circuits (partner, id)
    WHERE key_quoted_at IS NOT NULL AND deleted_at IS NULL;
-- Deadlines, for circuit_stall: by the date that the partner named, or by how long it has been silent.
-- Each circuit that waits on its partner is in one of the two; a change of settings needs no rewrite.
CREATE INDEX circuits_due ON circuits (due_at)
    WHERE waiting_on = 'partner' AND NOT stalled AND due_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX circuits_waiting ON circuits (since)
    WHERE waiting_on = 'partner' AND NOT stalled AND due_at IS NULL AND deleted_at IS NULL;

COMMENT ON TABLE circuits IS 'Ordered private connections. A row is never deleted: history and key outlive the circuit.';
COMMENT ON COLUMN circuits.id IS 'UUID v7.';
COMMENT ON COLUMN circuits.customer_id IS 'The owner.';
COMMENT ON COLUMN circuits.service_key IS 'UUID v4: the handle by which customer and partner mean the same circuit.';
COMMENT ON COLUMN circuits.last_sequence IS 'Sequence of the last event; also the version: every change that is shown has one event.';
COMMENT ON COLUMN circuits.created_at IS 'When it was ordered; the billing clock starts here.';
COMMENT ON COLUMN circuits.updated_at IS 'When anything that is shown last changed.';
COMMENT ON COLUMN circuits.since IS 'When (provider_status, waiting_on) last changed. Kept by a trigger.';
COMMENT ON COLUMN circuits.service_key_issued_at IS 'When the present key was issued.';
COMMENT ON COLUMN circuits.key_quoted_at IS 'When the partner first showed that it holds the present key.';
COMMENT ON COLUMN circuits.expected_by IS 'When the partner expects to be done, in its own words.';
COMMENT ON COLUMN circuits.due_at IS 'The date that the partner named during the present wait; null: settings.partner_patience counts. Kept by a trigger.';
COMMENT ON COLUMN circuits.deprovision_requested_at IS 'When the customer asked for it to be torn down; null: not asked.';
COMMENT ON COLUMN circuits.provisioned_at IS 'When it was last provisioned, by our clock.';
COMMENT ON COLUMN circuits.deprovisioned_at IS 'When it was last deprovisioned, by our clock.';
COMMENT ON COLUMN circuits.deleted_at IS 'When it was deleted; the billing clock stops here.';
COMMENT ON COLUMN circuits.partner_timestamp IS 'The ordering mark: newest timestamp of a callback that was answered applied or already.';
COMMENT ON COLUMN circuits.rejected_at IS 'When the partner last rejected.';
COMMENT ON COLUMN circuits.bandwidth_mbps IS 'Bandwidth in Mbps.';
COMMENT ON COLUMN circuits.used IS 'Connections that exist. Kept by a trigger.';
COMMENT ON COLUMN circuits.vnet_limit IS 'The most connections: vnet_limits for its tier and bandwidth.';
COMMENT ON COLUMN circuits.s_tag IS 'Outer VLAN tag (IEEE 802.1ad), as the partner says.';
COMMENT ON COLUMN circuits.returned IS 'The partner rejected or deprovisioned it, and has said nothing since: the customer has to act.';
COMMENT ON COLUMN circuits.stalled IS 'The partner has let the deadline pass.';
COMMENT ON COLUMN circuits.delete_when_deprovisioned IS 'Delete it as soon as it is NotProvisioned.';
COMMENT ON COLUMN circuits.provider_status IS 'Status on the partner''s side; moved by events alone.';
COMMENT ON COLUMN circuits.previous_status IS 'provider_status before the last event.';
COMMENT ON COLUMN circuits.circuit_status IS 'Enabled or Disabled; the operator''s.';
COMMENT ON COLUMN circuits.waiting_on IS 'Whom it waits for: customer, partner, operator or nobody.';
COMMENT ON COLUMN circuits.sku_tier IS 'Local, Standard or Premium.';
COMMENT ON COLUMN circuits.sku_family IS 'MeteredData or UnlimitedData.';
COMMENT ON COLUMN circuits.partner IS 'The partner that builds it.';
COMMENT ON COLUMN circuits.peering_location IS 'Where partner and cloud meet.';
COMMENT ON COLUMN circuits.name IS 'The customer''s name for it; not unique.';
COMMENT ON COLUMN circuits.tags IS 'The customer''s labels.';
COMMENT ON COLUMN circuits.primary_port IS 'Port of the primary link, as the partner says.';
COMMENT ON COLUMN circuits.secondary_port IS 'Port of the secondary link, as the partner says.';
COMMENT ON COLUMN circuits.partner_reference IS 'The partner''s own order number.';
COMMENT ON COLUMN circuits.partner_note IS 'The partner''s last note.';
COMMENT ON COLUMN circuits.rejection_reason IS 'Why the partner last rejected.';

CREATE TABLE circuit_events (
    circuit_id uuid NOT NULL,
    sequence bigint NOT NULL CONSTRAINT a_history_counts_from_1 CHECK (sequence >= 1),
    -- No index on id: events are read by circuit and sequence.
    id uuid NOT NULL DEFAULT uuid_v7(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    occurred_at timestamptz,
    -- No foreign key: a connection may be deleted, what happened to it may not.
    connection_id uuid,
    type text COLLATE "C" NOT NULL,
    from_status text COLLATE "C" NOT NULL,
    to_status text COLLATE "C" NOT NULL,
    actor_role text NOT NULL
        CONSTRAINT an_actors_role_is_known CHECK (actor_role IN ('customer', 'partner', 'operator', 'system')),
    actor_name text NOT NULL,
    reason text,
    -- The one index: it holds the history in order, is what a circuit's status refers to, and together
    -- with event_moves_circuit() lets no sequence number be taken twice.
    CONSTRAINT a_history_has_one_event_a_number PRIMARY KEY (circuit_id, sequence, to_status),
    CONSTRAINT an_event_follows_an_edge_of_the_graph
        FOREIGN KEY (from_status, type, to_status)
        REFERENCES provider_transition (from_status, event, to_status),
    CONSTRAINT an_event_is_a_circuits FOREIGN KEY (circuit_id) REFERENCES circuits (id),
    CONSTRAINT a_history_begins_with_the_order CHECK ((type = 'circuit.created') = (sequence = 1)),
    CONSTRAINT a_connections_event_names_it CHECK ((type LIKE 'connection.%') = (connection_id IS NOT NULL))
);
COMMENT ON TABLE circuit_events IS 'Histories of circuits: who did what, when and why. Rows are never changed or deleted.';
COMMENT ON COLUMN circuit_events.circuit_id IS 'What it happened to.';
COMMENT ON COLUMN circuit_events.sequence IS 'Counts 1, 2, 3 ... per circuit.';
COMMENT ON COLUMN circuit_events.id IS 'UUID v7.';
COMMENT ON COLUMN circuit_events.at IS 'When, by our clock.';
COMMENT ON COLUMN circuit_events.occurred_at IS 'When, by the partner''s clock, if it was a callback.';
COMMENT ON COLUMN circuit_events.connection_id IS 'The connection, for events of connections.';
COMMENT ON COLUMN circuit_events.type IS 'What happened: an event of the graph.';
COMMENT ON COLUMN circuit_events.from_status IS 'Provider status before.';
COMMENT ON COLUMN circuit_events.to_status IS 'Provider status after.';
COMMENT ON COLUMN circuit_events.actor_role IS 'customer, partner, operator or system.';
COMMENT ON COLUMN circuit_events.actor_name IS 'Display name of who did it.';
COMMENT ON COLUMN circuit_events.reason IS 'Why, in the actor''s words; null: the sentence of the edge says it.';

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

-- The first event. Its trigger sorts before RI_ConstraintTrigger, whose check needs the event: A_...
CREATE FUNCTION circuit_begins() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO onramp.circuit_events (circuit_id, sequence, at, type, from_status, to_status, actor_role, actor_name)
    VALUES (NEW.id, 1, NEW.created_at, 'circuit.created', 'NotProvisioned', 'NotProvisioned',
            onramp.actor_role(), onramp.actor_name());
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION circuit_begins() IS 'Writes the first event of a new circuit.';
CREATE TRIGGER "A_circuit_begins" AFTER INSERT ON circuits
    FOR EACH ROW EXECUTE FUNCTION circuit_begins();

-- An event moves its circuit, and only from the status and the number that it stands at. A function
-- that changes more of the circuit writes event and circuit in one statement; then the circuit stands
-- there already, having come from from_status (previous_status is the guard's word for that).
CREATE FUNCTION event_moves_circuit() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM onramp.circuits
    WHERE id = NEW.circuit_id AND last_sequence = NEW.sequence
          AND previous_status = NEW.from_status AND provider_status = NEW.to_status;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE onramp.circuits
    SET last_sequence = NEW.sequence, previous_status = NEW.from_status,
        provider_status = NEW.to_status, updated_at = NEW.at
    WHERE id = NEW.circuit_id AND last_sequence = NEW.sequence - 1 AND provider_status = NEW.from_status;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'integrity_constraint_violation',
            MESSAGE = 'an event moves its circuit from the status and the event that it stands at',
            CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION event_moves_circuit() IS 'Moves the circuit by its new event, or refuses the event.';
CREATE TRIGGER an_event_moves_its_circuit AFTER INSERT ON circuit_events
    FOR EACH ROW EXECUTE FUNCTION event_moves_circuit();

CREATE TRIGGER an_event_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON circuit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('an event is never changed or deleted');

-- since, stalled and due_at follow whom the circuit waits for. Fired only when one of the rule's
-- inputs changes. BEFORE, and not a counter: it changes the row that is being written anyway.
CREATE FUNCTION circuit_waits() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.provider_status <> OLD.provider_status
       OR onramp.waits_for(NEW.circuit_status, NEW.provider_status, NEW.deprovision_requested_at IS NOT NULL,
                           NEW.key_quoted_at IS NOT NULL, NEW.returned) <> OLD.waiting_on
    THEN
        NEW.since := greatest(clock_timestamp(), OLD.since + interval '1 microsecond');
        NEW.stalled := false;
        NEW.due_at := CASE WHEN NEW.expected_by IS DISTINCT FROM OLD.expected_by THEN NEW.expected_by END;
    ELSIF NEW.expected_by IS DISTINCT FROM OLD.expected_by THEN
        NEW.due_at := NEW.expected_by;
        -- A new date re-arms the deadline; taking a date away does not.
        NEW.stalled := OLD.stalled AND NEW.expected_by IS NULL;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION circuit_waits() IS 'Keeps since, stalled and due_at.';
CREATE TRIGGER a_wait_has_a_beginning_and_a_deadline BEFORE UPDATE ON circuits
    FOR EACH ROW
    WHEN (NEW.provider_status <> OLD.provider_status
          OR NEW.circuit_status <> OLD.circuit_status
          OR NEW.returned <> OLD.returned
          OR (NEW.deprovision_requested_at IS NULL) <> (OLD.deprovision_requested_at IS NULL)
          OR (NEW.key_quoted_at IS NULL) <> (OLD.key_quoted_at IS NULL)
          OR NEW.expected_by IS DISTINCT FROM OLD.expected_by)
    EXECUTE FUNCTION circuit_waits();

-- Guards against DML by hand, the owner's too.
CREATE TRIGGER a_circuit_begins_empty_and_not_provisioned BEFORE INSERT ON circuits
    FOR EACH ROW
    WHEN (NEW.used <> 0 OR NEW.last_sequence <> 1 OR NEW.deleted_at IS NOT NULL
          OR NEW.provider_status <> 'NotProvisioned' OR NEW.previous_status <> 'NotProvisioned')
    EXECUTE FUNCTION refuse('a circuit begins empty, not provisioned, with its first event');
CREATE TRIGGER a_circuit_keeps_what_it_is BEFORE UPDATE ON circuits
    FOR EACH ROW
    WHEN (NEW.id <> OLD.id OR NEW.customer_id <> OLD.customer_id OR NEW.created_at <> OLD.created_at
          OR NEW.partner <> OLD.partner OR NEW.peering_location <> OLD.peering_location)
    EXECUTE FUNCTION refuse('the identity, owner, partner and place of a circuit never change');
CREATE TRIGGER a_circuit_moves_by_one_event BEFORE UPDATE ON circuits
    FOR EACH ROW
    WHEN (NOT ((NEW.last_sequence = OLD.last_sequence
                AND NEW.provider_status = OLD.provider_status
                AND NEW.previous_status = OLD.previous_status)
               OR (NEW.last_sequence = OLD.last_sequence + 1
                   AND NEW.previous_status = OLD.provider_status)))
    EXECUTE FUNCTION refuse('a circuit moves by one event at a time, from the status that it stands at');
CREATE TRIGGER a_circuits_connections_are_counted_by_trigger BEFORE UPDATE ON circuits
    FOR EACH ROW WHEN (NEW.used <> OLD.used AND pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('used follows the rows of connections and is never set');
CREATE TRIGGER a_deleted_circuit_stays_deleted BEFORE UPDATE ON circuits
    FOR EACH ROW WHEN (OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS DISTINCT FROM OLD.deleted_at)
    EXECUTE FUNCTION refuse('a deleted circuit stays deleted');
CREATE TRIGGER a_circuits_row_is_never_deleted BEFORE DELETE OR TRUNCATE ON circuits
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('the row of a circuit is never deleted; set deleted_at');
