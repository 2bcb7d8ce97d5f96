-- SPDX-License-Identifier: Apache-2.0
-- circuit_create for several orders at once, each under the Idempotency-Key that it may have: the
-- n-th row answers the n-th order. What is plain is inserted by one statement, because beginning
-- one costs PostgreSQL more than the row that it writes. Plain is what circuit_create_verdict finds nothing
-- against, of a customer without quotas, whose key is free. All others are asked for one by one
-- afterwards; no plain one can change what they are told, but for those of the same key, which come behind
-- it as they should. One plan for all calls: callbacks_write says why.
CREATE OR REPLACE FUNCTION circuit_create_each(p_callers caller[], p_customers uuid[],
                                               p_names text[], p_partners text[],
                                               p_peering_locations text[], p_bandwidths_mbps int[],
                                               p_tiers text[], p_families text[], p_tags jsonb[],
                                               p_scopes text[] DEFAULT NULL,
                                               p_keys text[] DEFAULT NULL,
                                               p_digests text[] DEFAULT NULL,
                                               p_traceparents text[] DEFAULT NULL,
                                               p_dry boolean[] DEFAULT NULL)
RETURNS SETOF circuit_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_callers caller[] := ARRAY(SELECT c FROM unnest(p_callers) c); -- it may be a slice
    v_roles text[] := ARRAY(SELECT role FROM unnest(p_callers));
    v_actor_names text[] := ARRAY(SELECT actor FROM unnest(p_callers));
    v_now timestamptz := clock_timestamp();
    v_held boolean[];
    v_ids uuid[];
    v_actors text;
    v_traceparents text;
    v_setting text;
    v_others circuit_view[];
    r circuit_view;
    o record;
BEGIN
    -- Three statements of their own, before the look at what they are for: conditional_call() says
    -- why of the keys, circuit_create() of the other two.
    IF p_keys IS NOT NULL THEN
        v_held := ARRAY(
            SELECT idempotency_key_take(scope, key)
            FROM unnest(p_scopes, p_keys) AS asked (scope, key));
    END IF;
    PERFORM FROM customers WHERE id = ANY (p_customers) ORDER BY id FOR KEY SHARE;
    PERFORM FROM vnet_limits
    WHERE (tier, bandwidth_mbps) IN (SELECT * FROM unnest(p_tiers, p_bandwidths_mbps))
    ORDER BY tier, bandwidth_mbps FOR KEY SHARE;

    -- Plain is what gets an id. Each looks by itself: no plan reads a table whole, not even one
    -- made when it was empty.
    SELECT array_agg(id ORDER BY n),
           json_object_agg(id, role || ':' || actor) FILTER (WHERE id IS NOT NULL),
           string_agg(id || '=' || traceparent, E'\n')
    INTO v_ids, v_actors, v_traceparents
    FROM (SELECT n, role, actor, traceparent,
                 CASE WHEN dry IS NOT TRUE
                           AND (SELECT (verdict).outcome = 'ok' AND vnet_limit IS NOT NULL
                                FROM circuit_create_facts(
                                    customer, partner, peering_location, bandwidth_mbps, tier))
                           AND (SELECT true FROM circuit_quotas
                                WHERE customer_id = customer) IS NULL
                           AND (asked.key IS NULL
                                OR held
                                   AND array_position(p_keys, asked.key) = n
                                   AND (SELECT true FROM idempotency_key_live(
                                            asked.scope, asked.key)) IS NULL)
                      THEN uuid_v7() END AS id
          FROM unnest(p_customers, p_partners, p_peering_locations, p_bandwidths_mbps, p_tiers,
                      v_roles, v_actor_names, p_scopes, p_keys, p_traceparents, p_dry, v_held)
                   WITH ORDINALITY
                   AS asked (customer, partner, peering_location, bandwidth_mbps, tier,
                             role, actor, scope, key, traceparent, dry, held, n)) AS sorted;

    IF v_actors IS NOT NULL THEN
        -- For the events that the triggers write. Assigned: PERFORM would be a query.
        v_setting := set_config('onramp.actors', v_actors, true);
        v_setting := set_config('onramp.traceparents', coalesce(v_traceparents, ''), true);
        INSERT INTO circuits (id, customer_id, name, partner, peering_location, bandwidth_mbps,
                              sku_tier, sku_family, vnet_limit, tags, created_at, updated_at, since,
                              service_key_issued_at)
        SELECT id, customer, name, partner, peering_location, bandwidth_mbps, tier, family,
               (SELECT vnets FROM vnet_limits
                WHERE vnet_limits.tier = plain.tier
                      AND vnet_limits.bandwidth_mbps = plain.bandwidth_mbps),
               coalesce(tags, '{}'), v_now, v_now, v_now, v_now
        FROM unnest(v_ids, p_customers, p_names, p_partners, p_peering_locations, p_bandwidths_mbps,
                    p_tiers, p_families, p_tags)
                 AS plain (id, customer, name, partner, peering_location, bandwidth_mbps,
                           tier, family, tags)
        WHERE id IS NOT NULL;
        v_setting := set_config('onramp.actors', '', true);
        v_setting := set_config('onramp.traceparents', '', true);
        IF p_keys IS NOT NULL THEN
            PERFORM idempotency_keys_put(p_scopes, p_keys, p_digests,
                ARRAY(SELECT CASE WHEN key IS NOT NULL THEN
                                 (SELECT to_jsonb(v) FROM circuit_view v WHERE v.id = plain.id) END
                      FROM unnest(v_ids, p_keys) WITH ORDINALITY AS plain (id, key, n)
                      ORDER BY n));
        END IF;
    END IF;

    FOR o IN
        SELECT asked.*
        FROM unnest(v_ids, p_customers, p_names, p_partners, p_peering_locations, p_bandwidths_mbps,
                    p_tiers, p_families, p_tags, p_scopes, p_keys, p_digests, p_traceparents, p_dry)
                 WITH ORDINALITY
                 AS asked (id, customer, name, partner, peering_location, bandwidth_mbps,
                           tier, family, tags, scope, key, digest, traceparent, dry, n)
        WHERE id IS NULL
        ORDER BY n
    LOOP
        SELECT * INTO STRICT r
        FROM conditional_call(NULL::circuit_view, 'circuit_create',
                 ARRAY[v_callers[o.n]::text, o.customer::text, o.name, o.partner,
                       o.peering_location, o.bandwidth_mbps::text, o.tier, o.family, o.tags::text],
                 NULL, NULL, o.customer, o.scope, o.key, o.digest, NULL, o.traceparent, o.dry);
        v_others[o.n] := r;
    END LOOP;

    RETURN QUERY SELECT answer.*
    FROM unnest(v_ids) WITH ORDINALITY AS asked (id, n),
         LATERAL (SELECT v.* FROM circuit_view v WHERE v.id = asked.id
                  UNION ALL
                  SELECT (v_others[asked.n]).* WHERE asked.id IS NULL
                  LIMIT 1) AS answer
    ORDER BY asked.n;
END
$$;
COMMENT ON FUNCTION circuit_create_each IS
    'Order several circuits, each for its customer and under its key, as circuit_create does.';
GRANT EXECUTE ON FUNCTION circuit_create_each TO onramp_daemon;
