-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION vnet_gateway_put(p_caller caller, p_vnet uuid, p_customer uuid,
                                            p_subnet cidr)
RETURNS SETOF vnet_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r vnet_view;
    v vnets%ROWTYPE;
BEGIN
    SELECT * INTO v FROM vnet_lock(p_vnet, p_customer);
    IF NOT FOUND THEN
        r.outcome := 'not_found';
    ELSIF p_subnet = v.gateway_subnet THEN
        RETURN QUERY SELECT * FROM vnet_view WHERE id = p_vnet;
        RETURN;
    ELSIF v.used > 0 THEN
        r.outcome := 'vnet_in_use';
        r.facts := vnet_blockers(p_vnet,
            'A connected VNet keeps its gateway; delete its connections first.');
    ELSIF NOT p_subnet::inet <<= ANY (v.address_space::inet[]) OR masklen(p_subnet) > 28 THEN
        r.outcome := 'invalid_request';
        r.facts := jsonb_build_object('errors', jsonb_build_array(jsonb_build_object(
            'pointer', '/subnet', 'code', 'invalid_value',
            'detail', format('The subnet is /28 or larger and lies inside the address space: %s.',
                             array_to_string(v.address_space, ', ')))));
    ELSE
        UPDATE vnets SET gateway_subnet = p_subnet, version = version + 1,
            updated_at = clock_timestamp()
        WHERE id = p_vnet;
        RETURN QUERY SELECT * FROM vnet_view WHERE id = p_vnet;
        RETURN;
    END IF;
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION vnet_gateway_put IS
    'Give a VNet its gateway, or move it while the VNet is not connected.';
GRANT EXECUTE ON FUNCTION vnet_gateway_put TO onramp_daemon;
