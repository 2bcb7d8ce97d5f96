-- SPDX-License-Identifier: Apache-2.0
-- Virtual networks, their address spaces and gateways.

CREATE TABLE vnets (
    id uuid DEFAULT uuid_v7() PRIMARY KEY,
    customer_id uuid NOT NULL CONSTRAINT a_vnet_is_a_customers REFERENCES customers,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    used smallint NOT NULL DEFAULT 0,
    gateway_subnet cidr,
    -- Kept as it was given, in order, for answers; vnet_prefixes holds the same one by one.
    address_space cidr[] NOT NULL
        CONSTRAINT an_address_space_has_1_to_16_prefixes
        CHECK (array_ndims(address_space) = 1 AND cardinality(address_space) BETWEEN 1 AND 16),
    name text NOT NULL
        CONSTRAINT a_vnets_name_has_1_to_80_characters CHECK (char_length(name) BETWEEN 1 AND 80),
    tags jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT a_vnets_tags_are_an_object CHECK (jsonb_typeof(tags) = 'object'),

    -- The limit. used rises and falls with the rows of connections (trigger A_connection_counted).
    CONSTRAINT a_vnet_joins_at_most_4_circuits CHECK (used BETWEEN 0 AND 4),
    CONSTRAINT a_gateway_lies_inside_the_address_space
        CHECK (gateway_subnet::inet <<= ANY (address_space::inet[])),
    CONSTRAINT a_gateway_subnet_is_28_or_larger CHECK (masklen(gateway_subnet) <= 28),
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
COMMENT ON TABLE vnet_prefixes IS 'The address spaces of VNets, one prefix a row. Filled by a trigger.';
COMMENT ON COLUMN vnet_prefixes.vnet_id IS 'The VNet.';
COMMENT ON COLUMN vnet_prefixes.prefix IS 'A prefix of its address space.';

CREATE FUNCTION vnet_spreads() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM onramp.vnet_prefixes WHERE vnet_id = NEW.id;
    END IF;
    INSERT INTO onramp.vnet_prefixes (vnet_id, prefix) SELECT NEW.id, unnest(NEW.address_space);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION vnet_spreads() IS 'Keeps vnet_prefixes as address_space says.';
CREATE TRIGGER an_address_space_is_spread_at_creation AFTER INSERT ON vnets
    FOR EACH ROW EXECUTE FUNCTION vnet_spreads();
CREATE TRIGGER an_address_space_is_spread_at_change AFTER UPDATE ON vnets
    FOR EACH ROW WHEN (NEW.address_space <> OLD.address_space) EXECUTE FUNCTION vnet_spreads();

-- Guards against DML by hand, the owner's too.
CREATE TRIGGER prefixes_follow_the_address_space
    BEFORE INSERT OR UPDATE OR DELETE ON vnet_prefixes
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('vnet_prefixes follows vnets.address_space and is never written');
CREATE TRIGGER prefixes_are_never_truncated BEFORE TRUNCATE ON vnet_prefixes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('vnet_prefixes is never truncated');
CREATE TRIGGER a_vnet_begins_unconnected BEFORE INSERT ON vnets
    FOR EACH ROW WHEN (NEW.used <> 0) EXECUTE FUNCTION refuse('a VNet begins unconnected');
CREATE TRIGGER a_vnet_keeps_what_it_is BEFORE UPDATE ON vnets
    FOR EACH ROW
    WHEN (NEW.id <> OLD.id OR NEW.customer_id <> OLD.customer_id OR NEW.created_at <> OLD.created_at)
    EXECUTE FUNCTION refuse('the identity and owner of a VNet never change');
CREATE TRIGGER a_vnets_connections_are_counted_by_trigger BEFORE UPDATE ON vnets
    FOR EACH ROW WHEN (NEW.used <> OLD.used AND pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('used follows the rows of connections and is never set');
-- So that circuit_prefixes, filled at connecting, stays true.
CREATE TRIGGER a_connected_vnet_keeps_its_addresses BEFORE UPDATE ON vnets
    FOR EACH ROW
    WHEN (OLD.used > 0 AND (NOT (NEW.address_space @> OLD.address_space
                                 AND NEW.address_space <@ OLD.address_space)
                            OR NEW.gateway_subnet IS DISTINCT FROM OLD.gateway_subnet))
    EXECUTE FUNCTION refuse('a connected VNet keeps its address space and its gateway');
CREATE TRIGGER vnets_are_never_truncated BEFORE TRUNCATE ON vnets
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('vnets are never truncated');
