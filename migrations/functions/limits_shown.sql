-- SPDX-License-Identifier: Apache-2.0
-- Internal. Every quota; p_customer null: those of the place, over all customers (which looks at
-- every circuit; a customer's own are few).
CREATE OR REPLACE FUNCTION limits_shown(p_customer uuid)
RETURNS SETOF limit_shown
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp AS $$
DECLARE
    q circuit_quotas%ROWTYPE;
    v_owner text := coalesce('customer:' || p_customer, 'operator:');
    v_scope text := split_part(v_owner, ':', 1);
    v_whose text := CASE WHEN p_customer IS NULL THEN 'the operators' ELSE 'this customer' END;
BEGIN
    IF p_customer IS NOT NULL THEN
        SELECT * INTO q FROM circuit_quotas WHERE customer_id = p_customer;
        q.circuits := coalesce(q.circuits, 2147483647);
        q.circuits_per_location := coalesce(q.circuits_per_location, 2147483647);
        RETURN QUERY
        WITH place AS (
            SELECT c.peering_location, count(*) AS n FROM circuits c
            WHERE c.customer_id = p_customer AND c.deleted_at IS NULL
            GROUP BY c.peering_location)
        SELECT 'ok', NULL::jsonb, 'circuits', 'customer', NULL, NULL, NULL::integer,
               (SELECT coalesce(sum(n), 0)::bigint FROM place), nullif(q.circuits,
                   2147483647)::bigint,
               'The most circuits of this customer; the operator sets it.'
        UNION ALL
        SELECT 'ok', NULL, 'circuits_per_location', 'peering_location', NULL, NULL, NULL,
               (SELECT coalesce(max(n), 0)::bigint FROM place), nullif(q.circuits_per_location,
                   2147483647)::bigint,
               'The most circuits of this customer at any one peering location; the operator sets '
                   'it.'
        UNION ALL
        SELECT 'ok', NULL, 'circuits_per_location/' || place.peering_location, 'peering_location',
               place.peering_location, NULL, NULL, place.n, nullif(q.circuits_per_location,
                   2147483647)::bigint,
               format('The most circuits of this customer at %s; the operator sets it.',
                   place.peering_location)
        FROM place;
    END IF;
    RETURN QUERY
    SELECT 'ok', NULL::jsonb, 'circuits_per_vnet', 'vnet', NULL, NULL, NULL::integer,
           (SELECT coalesce(max(v.used), 0)::bigint FROM vnets v
            WHERE p_customer IS NULL OR v.customer_id = p_customer),
           4::bigint, 'The most circuits that one VNet is connected to.'
    UNION ALL
    SELECT 'ok', NULL, cap.name, cap.scope, NULL, NULL, NULL, coalesce(cap.used, 0)::bigint,
           caps.most::bigint, cap.rule
    FROM caps JOIN (
        SELECT 'authorizations' AS kind, 'authorizations_per_circuit' AS name, 'circuit' AS scope,
               (SELECT max(k.used) FROM cap_counters k
                WHERE k.kind = 'authorizations'
                      AND (p_customer IS NULL
                           OR k.owner IN (SELECT 'circuit:' || c.id FROM circuits c
                                          WHERE c.customer_id = p_customer
                                                AND c.deleted_at IS NULL))) AS used,
               'The most authorizations of one circuit.' AS rule
        UNION ALL
        SELECT 'callback_secrets', 'callback_secrets_per_partner', 'partner',
               (SELECT max(live.n) FROM (SELECT count(*) AS n FROM callback_secrets s
                                         WHERE s.expires_at IS NULL
                                               OR s.expires_at > clock_timestamp()
                                         GROUP BY s.partner) AS live),
               'The most live callback secrets of one partner.'
        WHERE p_customer IS NULL
        UNION ALL
        -- Those that have expired are counted until they give way.
        SELECT 'tokens', 'tokens', v_scope,
               (SELECT k.used - (SELECT count(*) FROM tokens t
                                 WHERE t.role || ':' || coalesce(t.customer_id::text, t.partner, '')
                                           = v_owner
                                       AND t.revoked_at IS NULL
                                       AND t.expires_at <= clock_timestamp())
                FROM cap_counters k WHERE k.kind = 'tokens' AND k.owner = v_owner),
               format('The most live tokens of %s.', v_whose)
        UNION ALL
        SELECT 'vnets', 'vnets', 'customer',
               (SELECT max(k.used) FROM cap_counters k
                WHERE k.kind = 'vnets' AND (p_customer IS NULL OR k.owner = v_owner)),
               format('The most VNets of %s.',
                   CASE WHEN p_customer IS NULL THEN 'one customer' ELSE v_whose END)
        UNION ALL
        SELECT 'webhook_endpoints', 'webhooks', v_scope,
               (SELECT k.used FROM cap_counters k
                WHERE k.kind = 'webhook_endpoints' AND k.owner = v_owner),
               format('The most webhook endpoints of %s.', v_whose)) AS cap USING (kind)
    UNION ALL
    SELECT 'ok', NULL, format('vnets_per_circuit/%s/%s', l.tier, l.bandwidth_mbps), 'circuit', NULL,
        l.tier,
           l.bandwidth_mbps, coalesce(c.most, 0)::bigint, l.vnets::bigint,
           format('The most VNets that one %s circuit of %s Mbps is connected to.', l.tier,
               l.bandwidth_mbps)
    FROM vnet_limits l
    LEFT JOIN (SELECT sku_tier, bandwidth_mbps, max(circuits.used) AS most FROM circuits
               WHERE deleted_at IS NULL AND (p_customer IS NULL OR customer_id = p_customer)
               GROUP BY sku_tier, bandwidth_mbps) AS c
      ON c.sku_tier = l.tier AND c.bandwidth_mbps = l.bandwidth_mbps;
END
$$;
COMMENT ON FUNCTION limits_shown IS 'Every quota that applies to a customer, or to all.';
