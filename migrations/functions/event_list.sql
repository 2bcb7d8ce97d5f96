-- SPDX-License-Identifier: Apache-2.0
-- The feed of a customer, of a partner, or (both null) of an operator, from after p_after on; null:
-- from the oldest that is kept. The last row is no event: its position is where the next page
-- begins, and it has facts where there may be more already. p_types: words like circuit.created
-- and circuit.*, or null.
CREATE OR REPLACE FUNCTION event_list(p_customer uuid, p_partner text, p_after bigint, p_limit int,
                                      p_types text[])
RETURNS SETOF feed_event_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r feed_event_view;
    v_after bigint := coalesce(p_after, 0);
    -- Where types are chosen, a page looks at so many of the caller's events, whatever they are.
    v_look int := CASE WHEN p_types IS NULL THEN p_limit ELSE greatest(p_limit, 500) END;
    v_first bigint;
    v_last bigint;
    v_heard feed[];
    v_event feed_event_view;
    v_count int := 0;
BEGIN
    -- Both ends and what lies between in one statement: nothing is published or swept meanwhile.
    IF p_customer IS NOT NULL THEN
        SELECT (SELECT min(position) FROM feed), (SELECT max(position) FROM feed), ARRAY(
            SELECT f FROM (
                (SELECT * FROM feed WHERE customer_id = p_customer AND position > v_after
                 ORDER BY position NULLS FIRST LIMIT v_look)
                UNION ALL
                (SELECT * FROM feed WHERE vnet_customer_id = p_customer AND position > v_after
                 ORDER BY position NULLS FIRST LIMIT v_look)
                ORDER BY position NULLS FIRST LIMIT v_look) AS f)
        INTO v_first, v_last, v_heard;
    ELSIF p_partner IS NOT NULL THEN
        SELECT (SELECT min(position) FROM feed), (SELECT max(position) FROM feed), ARRAY(
            SELECT f FROM feed f WHERE partner = p_partner AND position > v_after
            ORDER BY position NULLS FIRST LIMIT v_look)
        INTO v_first, v_last, v_heard;
    ELSE
        SELECT (SELECT min(position) FROM feed), (SELECT max(position) FROM feed), ARRAY(
            SELECT f FROM feed f WHERE position > v_after ORDER BY position LIMIT v_look)
        INTO v_first, v_last, v_heard;
    END IF;

    IF p_after < v_first - 1 OR p_after > coalesce(v_last, 0) THEN
        r.outcome := 'cursor_expired';
        RETURN NEXT r;
        RETURN;
    END IF;

    -- Who did it is told to those who may know: a partner learns no customer's name, and of two
    -- customers that share a connection neither learns the other's. The owner of the VNet is not
    -- told which circuit it is, nor what its partner has done to it.
    FOR v_event IN
        SELECT e.outcome, e.facts, f.position, e.id,
               CASE WHEN f.vnet_customer_id = p_customer THEN NULL ELSE e.circuit_id END,
               e.sequence, e.type, e.at, e.occurred_at, e.actor_role,
               CASE
                   WHEN p_partner IS NOT NULL AND e.actor_role = 'customer'
                       THEN 'owner of the circuit'
                   WHEN f.vnet_customer_id = p_customer AND e.actor_role = 'customer'
                        AND a.customer_id IS DISTINCT FROM p_customer THEN 'owner of the circuit'
                   WHEN f.vnet_customer_id = p_customer AND e.actor_role = 'partner'
                       THEN 'partner of the circuit'
                   WHEN f.customer_id = p_customer AND a.customer_id IS NOT NULL
                       THEN 'owner of the VNet'
                   ELSE e.actor_name
               END,
               CASE WHEN f.vnet_customer_id = p_customer THEN NULL ELSE e.from_status END,
               CASE WHEN f.vnet_customer_id = p_customer THEN NULL ELSE e.to_status END,
               e.reason, CASE WHEN p_partner IS NOT NULL THEN f.service_key END
        FROM unnest(v_heard) AS f
        JOIN event_view e
            ON e.circuit_id = f.circuit_id AND e.sequence = f.sequence AND e.at = f.at
        LEFT JOIN acts_of_vnet_owners a
            ON a.circuit_id = f.circuit_id AND a.sequence = f.sequence
        WHERE p_types IS NULL OR e.type = ANY (p_types)
              OR split_part(e.type, '.', 1) || '.*' = ANY (p_types)
        ORDER BY f.position LIMIT p_limit
    LOOP
        v_count := v_count + 1;
        r.position := v_event.position;
        RETURN NEXT v_event;
    END LOOP;

    r.outcome := 'ok';
    IF v_count = p_limit THEN
        r.facts := '{"more": true}';
    ELSIF cardinality(v_heard) = v_look THEN
        r.position := v_heard[v_look].position;
        r.facts := '{"more": true}';
    ELSE
        r.position := coalesce(v_last, 0);
    END IF;
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION event_list IS
    'List the events of the feed that the caller hears, by position, from after p_after on.';
GRANT EXECUTE ON FUNCTION event_list TO onramp_daemon;
