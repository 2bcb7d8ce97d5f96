-- SPDX-License-Identifier: Apache-2.0
-- Circuits.
--
-- The event drives the status. A circuit stands at its last event: (id, last_sequence, updated_at,
-- provider_status) are those of a row of circuit_events, whose (from_status, type, to_status) are
-- those of an edge of the graph. So a status without its event, or an event without its edge, can't
-- be written.

-- Column order: fixed-width columns by alignment first, texts last, so that no row pays padding.
CREATE TABLE circuits (
    id uuid DEFAULT uuid_v7() PRIMARY KEY,
    customer_id uuid NOT NULL CONSTRAINT a_circuit_is_a_customers REFERENCES customers,
    service_key uuid NOT NULL DEFAULT gen_random_uuid()
        CONSTRAINT a_service_key_means_one_circuit UNIQUE,
    last_sequence bigint NOT NULL DEFAULT 1,
    shown_sequence bigint NOT NULL DEFAULT 0,
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
    previously_requested boolean NOT NULL DEFAULT false,
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
--
-- Whom a circuit waits for follows from little more than its status, so the pair has 11 values, and
-- a list of any of the two reads a few ordered runs of this index. (status_waits() knows them.)
CREATE INDEX circuits_listed ON circuits (listed_as, waiting_on, id NULLS FIRST);
CREATE INDEX circuits_of_customer ON circuits (customer_id, id NULLS FIRST)
    WHERE deleted_at IS NULL;
CREATE INDEX circuits_of_partner ON circuits (partner, shown_as, id NULLS FIRST)
    WHERE deleted_at IS NULL;
CREATE INDEX circuits_at_location ON circuits (peering_location, id NULLS FIRST)
    WHERE deleted_at IS NULL;
-- What is due, for circuit_stall; and the stalled ones, which wait for the partner with nothing
-- due. It holds no others.
CREATE INDEX circuits_due ON circuits (stalled, due_at, id NULLS FIRST)
    WHERE waiting_on = 'partner';

-- By how long they have stood as they stand, for olderThan. since changes with status and
-- waiting_on, which are indexed already: no UPDATE ceases to be HOT for it.
-- (The planner looks for ::int = 0 in an index, but not for NOT.)
CREATE INDEX circuits_since ON circuits (((deleted_at IS NULL)::int), waiting_on, since, id);

-- So that the planner knows a rare partner or location from a common one; and that partner and
-- location go together (offers), as status and whom it waits for do.
ALTER TABLE circuits ALTER COLUMN partner SET STATISTICS 500,
    ALTER COLUMN peering_location SET STATISTICS 500;
CREATE STATISTICS circuits_at_partners (mcv) ON partner, peering_location FROM circuits;
CREATE STATISTICS circuits_in_states (mcv) ON listed_as, waiting_on FROM circuits;

COMMENT ON TABLE circuits IS
    'Ordered private connections. A row is never deleted: history and key outlive the circuit.';
COMMENT ON COLUMN circuits.id IS 'UUID v7.';
COMMENT ON COLUMN circuits.customer_id IS 'The owner.';
COMMENT ON COLUMN circuits.service_key IS
    'UUID v4: the handle by which customer and partner mean the same circuit.';
COMMENT ON COLUMN circuits.last_sequence IS
    'Sequence of the last event; also the version: every change that is shown has one event.';
COMMENT ON COLUMN circuits.shown_sequence IS
    'The last event that changed bandwidth, SKU or whether the key is quoted: an update that the '
    'partner sees. Kept by a trigger.';
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
COMMENT ON COLUMN circuits.previously_requested IS
    'Whether a deprovision request was open before the last event. Kept by a trigger.';
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

\ir functions/circuit_guarded.sql
CREATE TRIGGER a_circuit_is_guarded BEFORE INSERT OR UPDATE ON circuits
    FOR EACH ROW EXECUTE FUNCTION circuit_guarded();
CREATE TRIGGER a_circuits_row_is_never_deleted BEFORE DELETE OR TRUNCATE ON circuits
    FOR EACH STATEMENT
        EXECUTE FUNCTION refuse('the row of a circuit is never deleted; set deleted_at');

-- Service keys that were replaced: dead at once, and never the key of any circuit again.

CREATE TABLE retired_service_keys (
    service_key uuid CONSTRAINT a_service_key_is_retired_once PRIMARY KEY,
    circuit_id uuid NOT NULL CONSTRAINT a_retired_key_was_a_circuits REFERENCES circuits,
    retired_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE retired_service_keys IS
    'Service keys that were replaced. Filled by a trigger; rows are never changed or deleted.';
COMMENT ON COLUMN retired_service_keys.service_key IS 'The key.';
COMMENT ON COLUMN retired_service_keys.circuit_id IS 'The circuit that it belonged to.';
COMMENT ON COLUMN retired_service_keys.retired_at IS 'When it was replaced.';
CREATE TRIGGER a_retired_key_stays_retired BEFORE UPDATE OR DELETE OR TRUNCATE
    ON retired_service_keys
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('a retired service key stays retired');
CREATE TRIGGER keys_are_retired_by_trigger BEFORE INSERT ON retired_service_keys
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('a service key is retired when its circuit gets another one');

\ir functions/service_key_replaced.sql
CREATE TRIGGER a_service_key_is_replaced AFTER UPDATE OF service_key ON circuits
    FOR EACH ROW EXECUTE FUNCTION service_key_replaced();
