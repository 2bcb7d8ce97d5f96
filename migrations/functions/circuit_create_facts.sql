-- SPDX-License-Identifier: Apache-2.0
-- Internal: what an order is decided by, with the verdict: as connection_create_facts, behind the locks
-- of the customer, of its quotas and of the limit. vnet_limit: how many VNets the circuit may have.
CREATE OR REPLACE FUNCTION circuit_create_facts(p_customer uuid, p_partner text,
                                                p_peering_location text, p_bandwidth_mbps int,
                                                p_tier text)
RETURNS TABLE (verdict onramp.verdict, vnet_limit smallint)
LANGUAGE sql STABLE AS $$
    SELECT onramp.circuit_create_verdict(
               p_partner, p_peering_location, p_bandwidth_mbps, o.bandwidths_mbps,
               o.partner IS NOT NULL
                   OR EXISTS (SELECT FROM onramp.partners WHERE name = p_partner),
               o.partner IS NOT NULL
                   OR EXISTS (SELECT FROM onramp.peering_locations WHERE name = p_peering_location),
               q, coalesce(l.used, 0)),
           (SELECT vnets FROM onramp.vnet_limits
            WHERE tier = p_tier AND bandwidth_mbps = p_bandwidth_mbps)
    FROM (SELECT) AS request
    LEFT JOIN onramp.offers o ON o.partner = p_partner AND o.peering_location = p_peering_location
    LEFT JOIN onramp.circuit_quotas q ON q.customer_id = p_customer
    LEFT JOIN onramp.circuit_location_quotas l
        ON l.customer_id = p_customer AND l.peering_location = p_peering_location
$$;
COMMENT ON FUNCTION circuit_create_facts IS 'What is found of an order, and the verdict.';
