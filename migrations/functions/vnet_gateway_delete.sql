-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION vnet_gateway_delete(p_caller caller, p_vnet uuid, p_customer uuid)
RETURNS SETOF vnet_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r vnet_view;
    v vnets%ROWTYPE;
BEGIN
    SELECT * INTO v FROM vnet_lock(p_vnet, p_customer);
    IF NOT FOUND THEN
        r.outcome := 'not_found';
    ELSIF v.gateway_subnet IS NULL THEN
        r.outcome := 'not_found';
        r.facts := jsonb_build_object('detail', 'This VNet has no gateway.');
    ELSIF v.used > 0 THEN
        r.outcome := 'vnet_in_use';
        r.facts := vnet_blockers(p_vnet,
            'A connected VNet keeps its gateway; delete its connections first.');
    ELSE
        UPDATE vnets SET gateway_subnet = NULL, version = version + 1,
            updated_at = clock_timestamp()
        WHERE id = p_vnet;
        RETURN QUERY SELECT * FROM vnet_view WHERE id = p_vnet;
        RETURN;
    END IF;
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION vnet_gateway_delete IS
    'Take the gateway away from a VNet that is not connected.';
GRANT EXECUTE ON FUNCTION vnet_gateway_delete TO onramp_daemon;
