-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION vnet_create(p_caller caller, p_customer uuid, p_name text,
                                       p_address_space cidr[], p_tags jsonb)
RETURNS SETOF vnet_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r vnet_view;
    v_now timestamptz := clock_timestamp();
    v_errors jsonb := vnet_faults(p_address_space);
    v_id uuid;
BEGIN
    IF v_errors IS NOT NULL THEN
        r.outcome := 'invalid_request';
        r.facts := jsonb_build_object('errors', v_errors);
        RETURN NEXT r;
        RETURN;
    END IF;
    r.facts := cap_refused('vnets', 'customer:' || p_customer,
        'There are %s of %s VNets; delete one first, or ask the operator for more.');
    IF r.facts IS NOT NULL THEN
        r.outcome := 'vnet_limit_reached';
        RETURN NEXT r;
        RETURN;
    END IF;
    INSERT INTO vnets (customer_id, name, address_space, tags, created_at, updated_at)
    VALUES (p_customer, p_name, p_address_space, coalesce(p_tags, '{}'), v_now, v_now)
    RETURNING id INTO v_id;
    RETURN QUERY SELECT * FROM vnet_view WHERE id = v_id;
END
$$;
COMMENT ON FUNCTION vnet_create IS 'Create a VNet.';
GRANT EXECUTE ON FUNCTION vnet_create TO onramp_daemon;
