-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION vnet_guarded() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.gateway_subnet IS NOT NULL
        AND NOT NEW.gateway_subnet::inet <<= ANY (NEW.address_space::inet[]) THEN
        PERFORM onramp.refused('a_gateway_lies_inside_the_address_space',
            'a gateway lies inside the address space of its VNet');
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.used <> 0 THEN
            PERFORM onramp.refused('a_vnet_begins_unconnected', 'a VNet begins unconnected');
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.id <> OLD.id OR NEW.customer_id <> OLD.customer_id OR NEW.created_at <> OLD.created_at
       OR NEW.version < OLD.version
    THEN
        PERFORM onramp.refused('a_vnet_keeps_what_it_is',
            'the identity and owner of a VNet never change, and its version never falls');
    END IF;
    -- One trigger deep: by hand. The triggers of connections come in below it.
    IF NEW.used <> OLD.used AND pg_trigger_depth() = 1 THEN
        PERFORM onramp.refused('a_vnets_connections_are_counted_by_trigger',
            'used follows the rows of connections and is never set');
    END IF;
    -- So that circuit_prefixes, filled at connecting, stays true. Another order is no other space.
    IF OLD.used > 0 AND (NEW.gateway_subnet IS DISTINCT FROM OLD.gateway_subnet
                         OR NOT (NEW.address_space @> OLD.address_space
                                 AND NEW.address_space <@ OLD.address_space))
    THEN
        PERFORM onramp.refused('a_connected_vnet_keeps_its_addresses',
            'a connected VNet keeps its address space and its gateway');
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION vnet_guarded() IS 'Refuses what a VNet''s row may not become.';
