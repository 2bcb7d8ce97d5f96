-- SPDX-License-Identifier: Apache-2.0
-- connection_create for several requests at once, each under the Idempotency-Key that it may have:
-- the n-th row answers the n-th request. What is plain is inserted by one statement, as orders are by
-- circuit_create_each. Plain is what connection_create_verdict finds nothing against, without an
-- authorization, and the first here of its circuit, of its VNet and of its key. All others are asked
-- for one by one behind them, so that those of one circuit or VNet stay in their order. One plan for
-- all calls: callbacks_write says why.
CREATE OR REPLACE FUNCTION connection_create_each(p_callers caller[], p_customers uuid[],
                                                  p_circuits uuid[], p_vnets uuid[],
                                                  p_authorization_keys text[],
                                                  p_scopes text[] DEFAULT NULL,
                                                  p_keys text[] DEFAULT NULL,
                                                  p_digests text[] DEFAULT NULL,
                                                  p_traceparents text[] DEFAULT NULL,
                                                  p_dry boolean[] DEFAULT NULL)
RETURNS SETOF connection_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_callers caller[] := ARRAY(SELECT c FROM unnest(p_callers) c); -- it may be a slice
    v_roles text[] := ARRAY(SELECT role FROM unnest(p_callers));
    v_names text[] := ARRAY(SELECT actor FROM unnest(p_callers));
    v_held boolean[];
    v_circuits uuid[];
    v_vnets uuid[];
    v_ids uuid[];
    v_actors text;
    v_traceparents text;
    v_setting text;
    v_made connection_view[];
    r connection_view;
    o record;
BEGIN
    -- Statements of their own, before the look at what they are for: conditional_call() says why of
    -- the keys, connection_create() of the rows.
    IF p_keys IS NOT NULL THEN
        v_held := ARRAY(
            SELECT idempotency_key_take(scope, key)
            FROM unnest(p_scopes, p_keys) AS asked (scope, key));
    END IF;
    -- What an authorization opens never changes.
    SELECT array_agg(CASE WHEN asked.key IS NULL THEN circuit
                          ELSE (SELECT circuit_id FROM authorizations
                                WHERE authorization_key = asked.key) END
                     ORDER BY n),
           array_agg(vnet ORDER BY n)
    INTO v_circuits, v_vnets
    FROM unnest(p_circuits, p_vnets, p_authorization_keys) WITH ORDINALITY
             AS asked (circuit, vnet, key, n);
    PERFORM FROM circuits WHERE id = ANY (v_circuits) ORDER BY id FOR NO KEY UPDATE;
    PERFORM FROM vnets WHERE id = ANY (v_vnets) ORDER BY id FOR NO KEY UPDATE;

    -- Plain is what gets an id.
    SELECT array_agg(id ORDER BY n),
           json_object_agg(id, role || ':' || actor) FILTER (WHERE id IS NOT NULL),
           string_agg(circuit || '=' || traceparent, E'\n') FILTER (WHERE id IS NOT NULL)
    INTO v_ids, v_actors, v_traceparents
    FROM (SELECT n, role, actor, circuit, traceparent,
                 CASE WHEN dry IS NOT TRUE AND authorization_key IS NULL
                           AND array_position(v_circuits, circuit) = n
                           AND array_position(v_vnets, vnet) = n
                           AND (SELECT (verdict).outcome FROM connection_create_facts(
                                    customer, circuit, vnet, authorization_key)) = 'ok'
                           AND (asked.key IS NULL
                                OR held
                                   AND array_position(p_keys, asked.key) = n
                                   AND (SELECT true FROM idempotency_key_live(
                                            asked.scope, asked.key)) IS NULL)
                      THEN uuid_v7() END AS id
          FROM unnest(p_customers, v_circuits, v_vnets, v_roles, v_names, p_authorization_keys,
                      p_scopes, p_keys, p_traceparents, p_dry, v_held)
                   WITH ORDINALITY
                   AS asked (customer, circuit, vnet, role, actor, authorization_key,
                             scope, key, traceparent, dry, held, n)) AS sorted;

    IF v_actors IS NOT NULL THEN
        -- For the events that the triggers write. Assigned: PERFORM would be a query.
        v_setting := set_config('onramp.actors', v_actors, true);
        v_setting := set_config('onramp.traceparents', coalesce(v_traceparents, ''), true);
        INSERT INTO connections (id, circuit_id, vnet_id, circuit_customer_id, vnet_customer_id)
        SELECT id, circuit, vnet, customer, customer
        FROM unnest(v_ids, v_circuits, v_vnets, p_customers) AS plain (id, circuit, vnet, customer)
        WHERE id IS NOT NULL;
        v_setting := set_config('onramp.actors', '', true);
        v_setting := set_config('onramp.traceparents', '', true);
        v_made := ARRAY(
            SELECT (SELECT v FROM connection_view v WHERE v.id = plain.id)
            FROM unnest(v_ids) WITH ORDINALITY AS plain (id, n)
            ORDER BY n);
        IF p_keys IS NOT NULL THEN
            PERFORM idempotency_keys_put(p_scopes, p_keys, p_digests,
                                         ARRAY(SELECT CASE WHEN id IS NOT NULL THEN to_jsonb(v_made[n]) END
                                               FROM unnest(v_ids) WITH ORDINALITY AS plain (id, n)
                                               ORDER BY n));
        END IF;
    END IF;

    FOR o IN
        SELECT asked.*
        FROM unnest(v_ids, p_customers, p_circuits, p_vnets, p_authorization_keys, p_scopes, p_keys, p_digests, p_traceparents, p_dry)
                 WITH ORDINALITY
                 AS asked (id, customer, circuit, vnet, authorization_key,
                           scope, key, digest, traceparent, dry, n)
        WHERE id IS NULL
        ORDER BY n
    LOOP
        SELECT * INTO STRICT r
        FROM conditional_call(NULL::connection_view, 'connection_create',
                 ARRAY[v_callers[o.n]::text, o.customer::text, o.circuit::text, o.vnet::text,
                       o.authorization_key],
                 NULL, NULL, o.customer, o.scope, o.key, o.digest, NULL, o.traceparent, o.dry);
        v_made[o.n] := r;
    END LOOP;
    RETURN QUERY SELECT * FROM unnest(v_made);
END
$$;
COMMENT ON FUNCTION connection_create_each IS
    'Connect VNets to circuits, several at once, each under its key, as connection_create does.';
GRANT EXECUTE ON FUNCTION connection_create_each TO onramp_daemon;
