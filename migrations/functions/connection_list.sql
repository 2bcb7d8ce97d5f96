-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION connection_list(p_customer uuid, p_after uuid, p_limit int,
                                           p_circuit uuid, p_vnet uuid)
RETURNS SETOF connection_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    v_after uuid := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
    v_page uuid[];
BEGIN
    -- One statement a way in, each with an index of its own. A circuit has few connections, a VNet
    -- 4.
    IF p_vnet IS NOT NULL THEN
        v_page := ARRAY(SELECT id FROM connections
            -- Whoever does not own the circuit can't ask whether it is this one.
            WHERE vnet_id = p_vnet
                  AND (p_circuit IS NULL
                       OR (circuit_id = p_circuit AND (p_customer IS NULL
                           OR circuit_customer_id = p_customer)))
                  AND (p_customer IS NULL OR vnet_customer_id = p_customer) AND id > v_after
            ORDER BY id LIMIT p_limit + 1);
    ELSIF p_circuit IS NOT NULL THEN
        v_page := ARRAY(SELECT id FROM connections
            WHERE circuit_id = p_circuit AND (p_customer IS NULL
                OR circuit_customer_id = p_customer) AND id > v_after
            ORDER BY id LIMIT p_limit + 1);
    ELSIF p_customer IS NOT NULL THEN
        v_page := ARRAY(
            (SELECT id FROM connections WHERE vnet_customer_id = p_customer AND id > v_after
             ORDER BY id NULLS FIRST LIMIT p_limit + 1)
            UNION ALL
            (SELECT id FROM connections
             WHERE circuit_customer_id = p_customer AND circuit_customer_id <> vnet_customer_id
                 AND id > v_after
             ORDER BY id NULLS FIRST LIMIT p_limit + 1)
            ORDER BY id LIMIT p_limit + 1);
    ELSE
        v_page := ARRAY(SELECT id FROM connections WHERE id > v_after
            ORDER BY id LIMIT p_limit + 1);
    END IF;
    RETURN QUERY
    SELECT v.outcome, v.facts, v.id,
           CASE WHEN p_customer IS NULL OR k.circuit_customer_id = p_customer THEN v.circuit_id END,
           CASE WHEN p_customer IS NULL OR k.vnet_customer_id = p_customer THEN v.vnet_id END,
           v.status, v.authorization_id, v.created_at, v.address_space, v.peering_location,
               v.bandwidth_mbps
    FROM connections k JOIN connection_view v ON v.id = k.id
    WHERE k.id = ANY (v_page)
    ORDER BY k.id;
END
$$;
COMMENT ON FUNCTION connection_list IS
    'List connections, by id, from after p_after on; one more than p_limit.';
GRANT EXECUTE ON FUNCTION connection_list TO onramp_daemon;
