-- SPDX-License-Identifier: Apache-2.0
-- The first statement of a transaction that many requests share: every circuit, in order of id,
-- then every VNet likewise, then the quotas of every customer, then the turns of every endpoint.
-- Two such transactions can then wait for each other in one direction only.
CREATE OR REPLACE FUNCTION batch_lock(p_circuits uuid[], p_service_keys uuid[], p_vnets uuid[],
                                      p_connections uuid[], p_customers uuid[] DEFAULT NULL,
                                      p_deliveries uuid[] DEFAULT NULL,
                                      p_authorization_keys text[] DEFAULT NULL)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
    v_circuits uuid[] := coalesce(p_circuits, '{}');
    v_vnets uuid[] := coalesce(p_vnets, '{}');
BEGIN
    -- What a key or a connection belongs to never changes (a rotated or revoked key belongs to
    -- nothing).
    IF cardinality(p_service_keys) > 0 THEN
        v_circuits := v_circuits || ARRAY(SELECT id FROM circuits
            WHERE service_key = ANY (p_service_keys));
    END IF;
    IF cardinality(p_authorization_keys) > 0 THEN
        v_circuits := v_circuits || ARRAY(SELECT circuit_id FROM authorizations
            WHERE authorization_key = ANY (p_authorization_keys));
    END IF;
    IF cardinality(p_connections) > 0 THEN
        v_circuits := v_circuits || ARRAY(SELECT circuit_id FROM connections
            WHERE id = ANY (p_connections));
        v_vnets := v_vnets || ARRAY(SELECT vnet_id FROM connections WHERE id = ANY (p_connections));
    END IF;
    IF cardinality(v_circuits) > 0 THEN
        PERFORM FROM circuits WHERE id = ANY (v_circuits) ORDER BY id FOR NO KEY UPDATE;
    END IF;
    IF cardinality(v_vnets) > 0 THEN
        PERFORM FROM vnets WHERE id = ANY (v_vnets) ORDER BY id FOR NO KEY UPDATE;
    END IF;
    -- As whoever counts does it: the customer, and the counter if there is one. What only a
    -- callback that deletes will count is not here: it may have to be run again by itself.
    IF cardinality(p_customers) > 0 THEN
        PERFORM FROM customers WHERE id = ANY (p_customers) ORDER BY id FOR KEY SHARE;
        PERFORM FROM circuit_quotas WHERE customer_id = ANY (p_customers)
            ORDER BY customer_id FOR NO KEY UPDATE;
    END IF;
    -- In the order in which those who publish lock them.
    IF cardinality(p_deliveries) > 0 THEN
        PERFORM FROM delivery_turns
        WHERE endpoint_id IN (SELECT endpoint_id FROM deliveries WHERE id = ANY (p_deliveries))
        ORDER BY endpoint_id FOR UPDATE;
    END IF;
    r.outcome := 'ok';
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION batch_lock IS
    'Lock what a shared transaction will write, in an order that can''t deadlock.';
GRANT EXECUTE ON FUNCTION batch_lock TO onramp_daemon;
