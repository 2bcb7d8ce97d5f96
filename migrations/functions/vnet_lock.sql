-- SPDX-License-Identifier: Apache-2.0
-- Internal: circuit_lock for a VNet.
CREATE OR REPLACE FUNCTION vnet_lock(p_id uuid, p_customer uuid) RETURNS SETOF vnets
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM onramp.vnets
    WHERE id = p_id AND (p_customer IS NULL OR customer_id = p_customer)
    FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION vnet_lock IS 'Lock a VNet that the caller may see.';
