-- SPDX-License-Identifier: Apache-2.0
-- Internal. Every quota; p_customer null: those of the place, over all customers (which looks at
-- every circuit; a customer's own are few).
CREATE OR REPLACE FUNCTION limits_shown(p_customer uuid)
RETURNS SETOF limit_shown
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp AS $$
DECLARE
    q circuit_quotas%ROWTYPE;
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
    SELECT 'ok', NULL, 'webhooks', CASE WHEN p_customer IS NULL THEN 'operator' ELSE 'customer' END,
           NULL, NULL, NULL, count(w.id),
           (SELECT most::bigint FROM caps WHERE kind = 'webhook_endpoints'),
           CASE WHEN p_customer IS NULL THEN 'The most webhook endpoints of the operators.'
                ELSE 'The most webhook endpoints of this customer.' END
    FROM webhook_endpoints w
    WHERE w.owner = coalesce('customer:' || p_customer, 'operator:') AND w.deleted_at IS NULL
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
