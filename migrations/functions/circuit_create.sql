-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION circuit_create(p_caller caller, p_customer uuid, p_name text,
                                          p_partner text, p_peering_location text,
                                          p_bandwidth_mbps int, p_tier text, p_family text,
                                          p_tags jsonb)
RETURNS SETOF circuit_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r circuit_view;
    v_now timestamptz := clock_timestamp();
    v_bandwidths integer[];
    v_limit smallint;
    v_id uuid;
    q circuit_quotas%ROWTYPE;
    v_used integer;
    v_actor text;
BEGIN
    SELECT bandwidths_mbps INTO v_bandwidths
    FROM offers WHERE partner = p_partner AND peering_location = p_peering_location;
    IF v_bandwidths IS NULL OR p_bandwidth_mbps <> ALL (v_bandwidths) THEN
        r.outcome := 'not_offered';
        r.facts := jsonb_build_object('errors', jsonb_build_array(
            CASE
                WHEN v_bandwidths IS NOT NULL THEN
                    jsonb_build_object('pointer', '/bandwidthMbps', 'code', 'invalid_value',
                        'detail', format('At %s this partner offers %s Mbps.', p_peering_location,
                                         array_to_string(v_bandwidths, ', ')))
                WHEN NOT EXISTS (SELECT FROM partners WHERE name = p_partner) THEN
                    jsonb_build_object('pointer', '/partner', 'code', 'invalid_value',
                        'detail', 'There is no such partner; GET /v1/partners lists them.')
                WHEN NOT EXISTS (SELECT FROM peering_locations WHERE name = p_peering_location) THEN
                    jsonb_build_object('pointer', '/peeringLocation', 'code', 'invalid_value',
                        'detail', 'There is no such peering location; '
                                  'GET /v1/peering-locations lists them.')
                ELSE
                    jsonb_build_object('pointer', '/peeringLocation', 'code', 'invalid_value',
                        'detail', format('This partner offers nothing there; '
                                         'GET /v1/partners/%s lists its offers.', p_partner))
            END));
        RETURN NEXT r;
        RETURN;
    END IF;

    -- Quotas, of those who have any; the customer's row first, as whoever counts holds it.
    PERFORM FROM customers WHERE id = p_customer FOR KEY SHARE;
    SELECT * INTO q FROM circuit_quotas WHERE customer_id = p_customer FOR NO KEY UPDATE;
    IF FOUND THEN
        SELECT used INTO v_used FROM circuit_location_quotas
        WHERE customer_id = p_customer AND peering_location = p_peering_location;
        v_used := coalesce(v_used, 0);
        IF q.used >= q.circuits THEN
            r.outcome := 'customer_circuit_limit_reached';
            r.facts := jsonb_build_object(
                'detail', format('You have %s of %s circuits; delete one first, or ask the '
                    'operator for more.', q.used, q.circuits),
                'limit', q.circuits, 'used', q.used, 'scope', 'customer');
        ELSIF v_used >= q.circuits_per_location THEN
            r.outcome := 'location_circuit_limit_reached';
            r.facts := jsonb_build_object(
                'detail', format('You have %s of %s circuits at %s; delete one there first, order '
                    'elsewhere, or ask the operator for more.',
                                 v_used, q.circuits_per_location, p_peering_location),
                'limit', q.circuits_per_location, 'used', v_used, 'scope', 'peering_location');
        END IF;
        IF r.outcome IS NOT NULL THEN
            RETURN NEXT r;
            RETURN;
        END IF;
    END IF;

    -- Locked, so that the limit is still this one when the foreign key looks.
    SELECT vnets INTO v_limit FROM vnet_limits
    WHERE tier = p_tier AND bandwidth_mbps = p_bandwidth_mbps
    FOR KEY SHARE;
    -- For the event that the trigger writes.
    v_actor := set_config('onramp.actor', p_caller.role || ':' || p_caller.actor, true);
    INSERT INTO circuits (customer_id, name, partner, peering_location, bandwidth_mbps, sku_tier,
                          sku_family, vnet_limit, tags, created_at, updated_at, since,
                          service_key_issued_at)
    VALUES (p_customer, p_name, p_partner, p_peering_location, p_bandwidth_mbps, p_tier,
            p_family, v_limit, coalesce(p_tags, '{}'), v_now, v_now, v_now, v_now)
    RETURNING id INTO v_id;
    RETURN QUERY SELECT * FROM circuit_view WHERE id = v_id;
END
$$;
COMMENT ON FUNCTION circuit_create IS
    'Order a circuit: its service key is issued, its history begins.';
GRANT EXECUTE ON FUNCTION circuit_create TO onramp_daemon;
