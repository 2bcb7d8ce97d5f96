-- SPDX-License-Identifier: Apache-2.0
-- Internal: the one place that decides whether a circuit is ordered. p_bandwidths: what the partner offers
-- at the location, null for nothing; q: the customer's quotas, null without any; p_used_there: how many
-- circuits of the customer are counted at the location.
CREATE OR REPLACE FUNCTION circuit_create_verdict(p_partner text, p_peering_location text,
                                                  p_bandwidth_mbps int, p_bandwidths int[],
                                                  p_partner_known boolean,
                                                  p_location_known boolean, q circuit_quotas,
                                                  p_used_there int)
RETURNS verdict
LANGUAGE plpgsql IMMUTABLE SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
    v_pointer text;
    v_detail text;
BEGIN
    r.outcome := 'ok';
    IF NOT p_partner_known THEN
        r.outcome := 'not_offered';
        v_pointer := '/partner';
        v_detail := 'There is no such partner; GET /v1/partners lists them.';
    ELSIF NOT p_location_known THEN
        r.outcome := 'not_offered';
        v_pointer := '/peeringLocation';
        v_detail := 'There is no such peering location; GET /v1/peering-locations lists them.';
    ELSIF p_bandwidths IS NULL THEN
        r.outcome := 'not_offered';
        v_pointer := '/peeringLocation';
        v_detail := format('This partner offers nothing there; GET /v1/partners/%s lists its offers.',
                           p_partner);
    ELSIF p_bandwidth_mbps <> ALL (p_bandwidths) THEN
        r.outcome := 'not_offered';
        v_pointer := '/bandwidthMbps';
        v_detail := format('At %s this partner offers %s Mbps.', p_peering_location,
                           array_to_string(p_bandwidths, ', '));
    ELSIF q.used >= q.circuits THEN
        r.outcome := 'customer_circuit_limit_reached';
        r.facts := jsonb_build_object(
            'detail', format('You have %s of %s circuits; delete one first, or ask the '
                'operator for more.', q.used, q.circuits),
            'limit', q.circuits, 'used', q.used, 'scope', 'customer');
    ELSIF p_used_there >= q.circuits_per_location THEN
        r.outcome := 'location_circuit_limit_reached';
        r.facts := jsonb_build_object(
            'detail', format('You have %s of %s circuits at %s; delete one there first, order '
                'elsewhere, or ask the operator for more.',
                             p_used_there, q.circuits_per_location, p_peering_location),
            'limit', q.circuits_per_location, 'used', p_used_there, 'scope', 'peering_location');
    END IF;
    IF v_pointer IS NOT NULL THEN
        r.facts := jsonb_build_object('errors', jsonb_build_array(jsonb_build_object(
            'pointer', v_pointer, 'code', 'invalid_value', 'detail', v_detail)));
    END IF;
    RETURN r;
END
$$;
COMMENT ON FUNCTION circuit_create_verdict IS 'Whether a circuit is ordered, or the refusal.';
