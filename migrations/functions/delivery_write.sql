-- SPDX-License-Identifier: Apache-2.0
-- Internal: what events of the feed are for those who hear them. Everybody who is registered and
-- wants to hear them, or p_endpoint alone, and then also what is older than the endpoint. What has
-- been written before is left as it is. Nothing is put into a queue.
--
-- Who is told what is the same as in the feed (event_list): operators, everything. The owner of the
-- circuit, no name of another customer whose VNet is on it. The owner of such a VNet, its connection
-- and nothing of the circuit. The partner, no customer's name.
CREATE OR REPLACE FUNCTION delivery_write(p_positions bigint[], p_endpoint uuid)
RETURNS TABLE (endpoint_id uuid, queue uuid, place bigint, id uuid)
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH heard AS MATERIALIZED (
        SELECT f.*, h.audience, w.endpoints, e.type, e.id AS event_id, e.occurred_at,
               e.connection_id, e.from_status, e.to_status, e.actor_role,
               CASE
                   WHEN h.audience = 'operator' THEN e.actor_name
                   WHEN h.audience = 'partner' AND e.actor_role = 'customer'
                       THEN 'owner of the circuit'
                   WHEN h.audience = 'vnet' AND e.actor_role = 'customer'
                        AND a.customer_id IS DISTINCT FROM f.vnet_customer_id
                       THEN 'owner of the circuit'
                   WHEN h.audience = 'vnet' AND e.actor_role = 'partner'
                       THEN 'partner of the circuit'
                   WHEN h.audience = 'customer' AND a.customer_id IS NOT NULL
                       THEN 'owner of the VNet'
                   ELSE e.actor_name
               END AS actor_name,
               coalesce(e.reason, s.sentence) AS reason
        FROM unnest(p_positions) AS chosen (position)
        JOIN feed f ON f.position = chosen.position
        CROSS JOIN LATERAL (VALUES
            ('customer', 'customer:' || f.customer_id),
            ('vnet', 'customer:' || f.vnet_customer_id),
            ('partner', 'partner:' || f.partner),
            ('operator', 'operator:')) AS h (audience, owner)
        JOIN circuit_events e
            ON e.circuit_id = f.circuit_id AND e.sequence = f.sequence AND e.at = f.at
        JOIN provider_transition s
            ON s.from_status = e.from_status AND s.event = e.type AND s.to_status = e.to_status
        LEFT JOIN acts_of_vnet_owners a
            ON a.circuit_id = f.circuit_id AND a.sequence = f.sequence
        CROSS JOIN LATERAL (
            SELECT array_agg(o.id) AS endpoints FROM webhook_endpoints o
            WHERE o.owner = h.owner AND o.deleted_at IS NULL
                  AND CASE WHEN p_endpoint IS NULL
                           THEN o.disabled_at IS NULL AND o.created_at <= e.at
                           ELSE o.id = p_endpoint END
                  AND event_matches(o.event_types, e.type)) AS w
        WHERE w.endpoints IS NOT NULL)
    INSERT INTO deliveries AS d (id, endpoint_id, queue, place, created_at, circuit_id, event_type,
                                 traceparent, body)
    SELECT delivery_id(endpoint, h.position, h.published_at), endpoint, h.circuit_id, h.position,
           h.published_at, CASE WHEN h.audience <> 'vnet' THEN h.circuit_id END, h.type,
           h.traceparent,
           concat('{"type":"', h.type, '","timestamp":"', time_shown(h.at), '","data":{',
                  '"circuitId":', CASE WHEN h.audience = 'vnet' THEN 'null'
                                       ELSE '"' || h.circuit_id || '"' END,
                  ',"sequence":', h.sequence, ',"eventId":"', h.event_id, '"',
                  CASE WHEN h.audience = 'partner'
                       THEN ',"serviceKey":"' || h.service_key || '"' END,
                  ',"connectionId":"' || h.connection_id || '"',
                  ',"occurredAt":', coalesce('"' || time_shown(h.occurred_at) || '"', 'null'),
                  ',"actor":{"role":"', h.actor_role, '","name":', to_json(h.actor_name),
                  '},"from":', CASE WHEN h.audience = 'vnet' OR h.sequence = 1 THEN 'null'
                                    ELSE '"' || h.from_status || '"' END,
                  ',"to":', CASE WHEN h.audience = 'vnet' THEN 'null'
                                 ELSE '"' || h.to_status || '"' END,
                  ',"reason":', to_json(h.reason), '}}')
    FROM heard h CROSS JOIN unnest(h.endpoints) AS endpoint
    ORDER BY h.position
    ON CONFLICT DO NOTHING
    RETURNING d.endpoint_id, d.queue, d.place, d.id;
END
$$;
COMMENT ON FUNCTION delivery_write IS
    'Write the deliveries of events of the feed, and return those that are new.';
