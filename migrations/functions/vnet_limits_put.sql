-- SPDX-License-Identifier: Apache-2.0
-- p_cells: [{"tier", "bandwidthMbps", "limit"}], each validated by itself; cells that are not named
-- keep their limit. A change arrives in the circuits by their foreign key, and each of them has an
-- event, because its limit is shown.
CREATE OR REPLACE FUNCTION vnet_limits_put(p_caller caller, p_cells jsonb, p_limit int)
RETURNS SETOF limit_shown
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r limit_shown;
    v_errors jsonb;
    v_cell record;
    v_now timestamptz;
BEGIN
    WITH cell AS (
        SELECT place - 1 AS place, value ->> 'tier' AS tier,
            (value ->> 'bandwidthMbps')::int AS bandwidth,
               (value ->> 'limit')::int AS most,
               count(*) OVER (PARTITION BY value ->> 'tier', value ->> 'bandwidthMbps'
                   ORDER BY place) AS nth
        FROM jsonb_array_elements(p_cells) WITH ORDINALITY AS given (value, place)),
    fault AS (
        SELECT place, 'bandwidthMbps' AS member, 'invalid_value' AS code,
            'There is no such bandwidth.' AS detail
        FROM cell
        WHERE NOT EXISTS (SELECT FROM vnet_limits WHERE tier = cell.tier
            AND bandwidth_mbps = cell.bandwidth)
        UNION ALL
        SELECT place, 'limit', 'out_of_range',
            format('At most 10 VNets go with %s; only Premium goes above.', tier)
        FROM cell WHERE tier <> 'Premium' AND most > 10
        UNION ALL
        SELECT place, 'bandwidthMbps', 'invalid_value', 'This tier and bandwidth are named before.'
        FROM cell WHERE nth > 1)
    SELECT jsonb_agg(jsonb_build_object('pointer', format('/vnetsPerCircuit/%s/%s', place, member),
                                        'code', code, 'detail', detail) ORDER BY place, member)
    INTO v_errors FROM fault;
    IF v_errors IS NOT NULL THEN
        r.outcome := 'invalid_request';
        r.facts := jsonb_build_object('errors', v_errors);
        RETURN NEXT r;
        RETURN;
    END IF;

    -- Circuits in order of id before the limits, as everybody takes them.
    PERFORM FROM circuits c
    WHERE EXISTS (SELECT FROM jsonb_to_recordset(p_cells) AS g (tier text, "bandwidthMbps" int,
        "limit" int)
                  WHERE g.tier = c.sku_tier AND g."bandwidthMbps" = c.bandwidth_mbps
                      AND g."limit" <> c.vnet_limit)
    ORDER BY c.id FOR NO KEY UPDATE;
    BEGIN
        FOR v_cell IN
            UPDATE vnet_limits l SET vnets = g."limit"
            FROM jsonb_to_recordset(p_cells) AS g (tier text, "bandwidthMbps" int, "limit" int)
            WHERE l.tier = g.tier AND l.bandwidth_mbps = g."bandwidthMbps" AND l.vnets <> g."limit"
            RETURNING l.tier, l.bandwidth_mbps, l.vnets
        LOOP
            v_now := clock_timestamp();
            WITH circuit AS (
                UPDATE circuits
                SET last_sequence = last_sequence + 1, previous_status = provider_status,
                    updated_at = v_now
                WHERE sku_tier = v_cell.tier AND bandwidth_mbps = v_cell.bandwidth_mbps
                    AND deleted_at IS NULL
                RETURNING id, last_sequence, provider_status)
            INSERT INTO circuit_events (circuit_id, sequence, at, type, from_status, to_status,
                actor_role,
                                        actor_name, reason)
            SELECT id, last_sequence, v_now, 'circuit.updated', provider_status, provider_status,
                p_caller.role, p_caller.actor,
                   format('The most VNets that such a circuit is connected to is now %s.',
                       v_cell.vnets)
            FROM circuit;
        END LOOP;
    EXCEPTION WHEN check_violation THEN
        -- a_circuit_connects_at_most_its_limit: some circuit has more than would be allowed.
        SELECT c.sku_tier, c.bandwidth_mbps, c.used, g."limit" AS most INTO v_cell
        FROM circuits c
        JOIN jsonb_to_recordset(p_cells) AS g (tier text, "bandwidthMbps" int, "limit" int)
          ON g.tier = c.sku_tier AND g."bandwidthMbps" = c.bandwidth_mbps AND c.used > g."limit"
        ORDER BY c.used DESC LIMIT 1;
        r.outcome := 'circuit_vnet_limit_reached';
        r.facts := jsonb_build_object(
            'detail', format('A %s circuit of %s Mbps is connected to %s VNets; a limit of %s '
                'would be below that.',
                             v_cell.sku_tier, v_cell.bandwidth_mbps, v_cell.used, v_cell.most),
            'limit', v_cell.most, 'used', v_cell.used, 'scope', 'circuit');
        RETURN NEXT r;
        RETURN;
    END;
    RETURN QUERY SELECT * FROM limits_shown(NULL) AS l
        ORDER BY l.name COLLATE "C" LIMIT p_limit + 1;
END
$$;
COMMENT ON FUNCTION vnet_limits_put IS
    'Set how many VNets circuits of a tier and bandwidth may be connected to.';
GRANT EXECUTE ON FUNCTION vnet_limits_put TO onramp_daemon;
