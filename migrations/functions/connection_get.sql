-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION connection_get(p_id uuid, p_customer uuid)
RETURNS SETOF connection_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r connection_view;
BEGIN
    -- On a connection that two customers share, neither is shown the other's id.
    RETURN QUERY
    SELECT v.outcome, v.facts, v.id,
           CASE WHEN p_customer IS NULL OR k.circuit_customer_id = p_customer THEN v.circuit_id END,
           CASE WHEN p_customer IS NULL OR k.vnet_customer_id = p_customer THEN v.vnet_id END,
           v.status, v.authorization_id, v.created_at, v.address_space, v.peering_location,
               v.bandwidth_mbps
    FROM connections k JOIN connection_view v ON v.id = k.id
    WHERE k.id = p_id AND (p_customer IS NULL OR p_customer IN (k.circuit_customer_id,
        k.vnet_customer_id));
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
    END IF;
END
$$;
COMMENT ON FUNCTION connection_get IS 'Read a connection; p_customer null: an operator.';
GRANT EXECUTE ON FUNCTION connection_get TO onramp_daemon;
