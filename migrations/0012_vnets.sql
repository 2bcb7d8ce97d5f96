-- SPDX-License-Identifier: Apache-2.0
-- Virtual networks, their address spaces and gateways.

CREATE TABLE vnets (
    id uuid DEFAULT uuid_v7() PRIMARY KEY,
    customer_id uuid NOT NULL CONSTRAINT a_vnet_is_a_customers REFERENCES customers,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    used smallint NOT NULL DEFAULT 0,
    gateway_subnet gateway_subnet,
    -- Kept as it was given, in order, for answers; vnet_prefixes holds the same one by one.
    address_space address_space NOT NULL,
    name display_name NOT NULL,
    tags tags NOT NULL DEFAULT '{}',

    -- The limit. used rises and falls with the rows of connections (trigger A_connection_counted).
    CONSTRAINT a_vnet_joins_at_most_4_circuits CHECK (used BETWEEN 0 AND 4),
    -- What the composite key of connections refers to, and the list of a customer's VNets.
    CONSTRAINT a_vnet_is_one_customers UNIQUE (customer_id, id)
)
-- Connecting changes used, version and updated_at: no index, so the page needs room, not much.
WITH (fillfactor = 85);
COMMENT ON TABLE vnets IS 'Virtual networks of customers.';
COMMENT ON COLUMN vnets.id IS 'UUID v7.';
COMMENT ON COLUMN vnets.customer_id IS 'The owner.';
COMMENT ON COLUMN vnets.version IS 'Rises with every change of what is shown.';
COMMENT ON COLUMN vnets.created_at IS 'When it was created.';
COMMENT ON COLUMN vnets.updated_at IS 'When anything that is shown last changed.';
COMMENT ON COLUMN vnets.used IS 'Connections that exist. Kept by a trigger.';
COMMENT ON COLUMN vnets.gateway_subnet IS 'Subnet of the gateway; null: no gateway.';
COMMENT ON COLUMN vnets.address_space IS 'IPv4 prefixes, /8 to /28, apart from each other.';
COMMENT ON COLUMN vnets.name IS 'The customer''s name for it; not unique.';
COMMENT ON COLUMN vnets.tags IS 'The customer''s labels.';

CREATE TABLE vnet_prefixes (
    vnet_id uuid NOT NULL CONSTRAINT a_prefix_is_a_vnets REFERENCES vnets ON DELETE CASCADE,
    prefix cidr NOT NULL
        CONSTRAINT a_prefix_is_ipv4_from_8_to_28
        CHECK (family(prefix) = 4 AND masklen(prefix) BETWEEN 8 AND 28),
    -- inet_ops has to be named: btree_gist brings another class for inet, without &&.
    CONSTRAINT the_prefixes_of_a_vnet_do_not_overlap
        EXCLUDE USING gist (vnet_id WITH =, prefix inet_ops WITH &&)
);
COMMENT ON TABLE vnet_prefixes IS
    'The address spaces of VNets, one prefix a row. Filled by a trigger.';
COMMENT ON COLUMN vnet_prefixes.vnet_id IS 'The VNet.';
COMMENT ON COLUMN vnet_prefixes.prefix IS 'A prefix of its address space.';

\ir functions/vnet_spreads.sql
CREATE TRIGGER an_address_space_is_spread AFTER INSERT OR UPDATE OF address_space ON vnets
    FOR EACH ROW EXECUTE FUNCTION vnet_spreads();

\ir functions/vnet_guarded.sql
CREATE TRIGGER a_vnet_is_guarded BEFORE INSERT OR UPDATE ON vnets
    FOR EACH ROW EXECUTE FUNCTION vnet_guarded();

-- Guards against DML by hand, the owner's too.
CREATE TRIGGER vnets_are_never_truncated BEFORE TRUNCATE ON vnets
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('vnets are never truncated');
CREATE TRIGGER prefixes_follow_the_address_space
    BEFORE INSERT OR UPDATE OR DELETE ON vnet_prefixes
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('vnet_prefixes follows vnets.address_space and is never written');
CREATE TRIGGER prefixes_are_never_truncated BEFORE TRUNCATE ON vnet_prefixes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('vnet_prefixes is never truncated');
