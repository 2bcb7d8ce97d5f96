-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION circuit_create(p_caller caller, p_customer uuid, p_name text,
                                          p_partner text, p_peering_location text,
                                          p_bandwidth_mbps int, p_tier text, p_family text,
                                          p_tags jsonb)
RETURNS SETOF circuit_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r circuit_view;
    f record;
    v_now timestamptz := clock_timestamp();
    v_id uuid;
    v_actor text;
BEGIN
    -- The customer's row first, as whoever counts holds it; the limit, so that it is still this one
    -- when the foreign key looks.
    PERFORM FROM customers WHERE id = p_customer FOR KEY SHARE;
    PERFORM FROM circuit_quotas WHERE customer_id = p_customer FOR NO KEY UPDATE;
    PERFORM FROM vnet_limits
    WHERE tier = p_tier AND bandwidth_mbps = p_bandwidth_mbps
    FOR KEY SHARE;
    SELECT * INTO STRICT f
    FROM circuit_create_facts(p_customer, p_partner, p_peering_location, p_bandwidth_mbps, p_tier);
    IF (f.verdict).outcome <> 'ok' THEN
        r.outcome := (f.verdict).outcome;
        r.facts := (f.verdict).facts;
        RETURN NEXT r;
        RETURN;
    END IF;

    -- For the event that the trigger writes.
    v_actor := set_config('onramp.actor', p_caller.role || ':' || p_caller.actor, true);
    INSERT INTO circuits (customer_id, name, partner, peering_location, bandwidth_mbps, sku_tier,
                          sku_family, vnet_limit, tags, created_at, updated_at, since,
                          service_key_issued_at)
    VALUES (p_customer, p_name, p_partner, p_peering_location, p_bandwidth_mbps, p_tier,
            p_family, f.vnet_limit, coalesce(p_tags, '{}'), v_now, v_now, v_now, v_now)
    RETURNING id INTO v_id;
    RETURN QUERY SELECT * FROM circuit_view WHERE id = v_id;
END
$$;
COMMENT ON FUNCTION circuit_create IS
    'Order a circuit: its service key is issued, its history begins.';
GRANT EXECUTE ON FUNCTION circuit_create TO onramp_daemon;
