-- SPDX-License-Identifier: Apache-2.0
-- Authorizations and connections.

CREATE TABLE authorizations (
    id uuid DEFAULT uuid_v7() PRIMARY KEY,
    customer_id uuid NOT NULL,
    circuit_id uuid NOT NULL,
    authorization_key text COLLATE "C" NOT NULL
        CONSTRAINT an_authorization_key_means_one_authorization UNIQUE,
    name display_name NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT an_authorization_is_of_its_owners_circuit
        FOREIGN KEY (customer_id, circuit_id) REFERENCES circuits (customer_id, id),
    -- What a connection refers to. A revoked authorization is a deleted row: so it can't be revoked
    -- under a connection, nor be used afterwards. Led by circuit_id: also a circuit's list of them.
    CONSTRAINT an_authorization_is_of_one_circuit UNIQUE (circuit_id, id)
);
COMMENT ON TABLE authorizations IS
    'Keys by which a circuit''s owner lets another customer''s VNet connect. Revoking deletes the '
    'row.';
COMMENT ON COLUMN authorizations.id IS 'UUID v7.';
COMMENT ON COLUMN authorizations.customer_id IS 'The owner of the circuit.';
COMMENT ON COLUMN authorizations.circuit_id IS 'The circuit that it opens.';
COMMENT ON COLUMN authorizations.authorization_key IS 'The key, with its typed prefix.';
COMMENT ON COLUMN authorizations.name IS 'The owner''s name for it.';
COMMENT ON COLUMN authorizations.created_at IS 'When it was created.';

CREATE TRIGGER an_authorization_keeps_what_it_opens BEFORE UPDATE ON authorizations
    FOR EACH ROW EXECUTE FUNCTION keep(
        'the key, owner and circuit of an authorization never change',
        'id', 'customer_id', 'circuit_id', 'authorization_key', 'created_at');

-- One VNet on one circuit. The counters in circuits and vnets rise and fall with these rows, and
-- their CHECKs are the limits: there is no way to an eleventh VNet.
CREATE TABLE connections (
    id uuid DEFAULT uuid_v7() PRIMARY KEY,
    circuit_id uuid NOT NULL,
    vnet_id uuid NOT NULL,
    circuit_customer_id uuid NOT NULL,
    vnet_customer_id uuid NOT NULL,
    authorization_id uuid,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Also finds the connections of a circuit.
    CONSTRAINT a_vnet_connects_to_a_circuit_once UNIQUE (circuit_id, vnet_id),
    CONSTRAINT a_connection_is_of_a_circuit_and_its_owner
        FOREIGN KEY (circuit_customer_id, circuit_id) REFERENCES circuits (customer_id, id),
    CONSTRAINT a_connection_is_of_a_vnet_and_its_owner
        FOREIGN KEY (vnet_customer_id, vnet_id) REFERENCES vnets (customer_id, id),
    CONSTRAINT a_foreign_vnet_needs_an_authorization
        CHECK (circuit_customer_id = vnet_customer_id OR authorization_id IS NOT NULL),
    CONSTRAINT an_authorization_opens_its_own_circuit
        FOREIGN KEY (circuit_id, authorization_id) REFERENCES authorizations (circuit_id, id)
);
-- Partial, where a UNIQUE constraint could not be: most connections need no authorization, and
-- would pay for an index entry each.
CREATE UNIQUE INDEX an_authorization_serves_one_connection ON connections (authorization_id)
    WHERE authorization_id IS NOT NULL;
-- The connections of a VNet: its blockers, and the check that a deleted VNet has none.
CREATE INDEX connections_of_vnet ON connections (vnet_id);
-- A customer's list: by its VNets, and, for the few shared ones, by its circuits. NULLS FIRST
-- for the reason that the indexes of circuits have it.
CREATE INDEX connections_of_vnet_owner ON connections (vnet_customer_id, id NULLS FIRST);
CREATE INDEX connections_of_circuit_owner ON connections (circuit_customer_id, id NULLS FIRST)
    WHERE circuit_customer_id <> vnet_customer_id;
COMMENT ON TABLE connections IS 'VNets attached to circuits. Rows come and go, and never change.';
COMMENT ON COLUMN connections.id IS 'UUID v7.';
COMMENT ON COLUMN connections.circuit_id IS 'The circuit.';
COMMENT ON COLUMN connections.vnet_id IS 'The VNet.';
COMMENT ON COLUMN connections.circuit_customer_id IS 'The owner of the circuit.';
COMMENT ON COLUMN connections.vnet_customer_id IS 'The owner of the VNet.';
COMMENT ON COLUMN connections.authorization_id IS
    'What lets another customer''s VNet connect; null when both have one owner.';
COMMENT ON COLUMN connections.created_at IS 'When it was connected.';

CREATE TABLE circuit_prefixes (
    circuit_id uuid NOT NULL,
    -- No foreign keys: only the triggers of connections write here, in the statement that connects.
    vnet_id uuid NOT NULL,
    prefix cidr NOT NULL,
    CONSTRAINT the_vnets_of_a_circuit_do_not_overlap
        EXCLUDE USING gist (circuit_id WITH =, prefix inet_ops WITH &&)
);
COMMENT ON TABLE circuit_prefixes IS
    'Address prefixes that are reached through a circuit. Filled by a trigger.';
COMMENT ON COLUMN circuit_prefixes.circuit_id IS 'The circuit.';
COMMENT ON COLUMN circuit_prefixes.vnet_id IS 'The VNet that the prefix is of.';
COMMENT ON COLUMN circuit_prefixes.prefix IS 'The prefix.';

-- AFTER: ON CONFLICT DO NOTHING inserts no row, and must count none. A_: before the checks of the
-- foreign keys, whose share locks a crowd on one circuit would otherwise pile up first.
\ir functions/connection_counted.sql
CREATE TRIGGER "A_connection_counted" AFTER INSERT OR DELETE ON connections
    FOR EACH ROW EXECUTE FUNCTION connection_counted();

\ir functions/connections_counted.sql
CREATE TRIGGER a_set_of_connections_is_counted AFTER INSERT ON connections
    REFERENCING NEW TABLE AS counted
    FOR EACH STATEMENT EXECUTE FUNCTION connections_counted();
CREATE TRIGGER a_set_of_connections_counts_no_more AFTER DELETE ON connections
    REFERENCING OLD TABLE AS counted
    FOR EACH STATEMENT EXECUTE FUNCTION connections_counted();

-- Guards against DML by hand, the owner's too.
CREATE TRIGGER a_connection_never_changes BEFORE UPDATE ON connections
    FOR EACH STATEMENT
        EXECUTE FUNCTION refuse('a connection never changes; delete it and connect anew');
CREATE TRIGGER connections_are_never_truncated BEFORE TRUNCATE ON connections
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('connections are never truncated');
CREATE TRIGGER prefixes_follow_the_connections
    BEFORE INSERT OR UPDATE OR DELETE ON circuit_prefixes
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('circuit_prefixes follows connections and is never written');
CREATE TRIGGER prefixes_are_never_truncated BEFORE TRUNCATE ON circuit_prefixes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('circuit_prefixes is never truncated');
