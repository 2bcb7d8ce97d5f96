-- SPDX-License-Identifier: Apache-2.0
-- connection_delete for several requests at once: the n-th row answers the n-th request. Those that
-- are plain are deleted by one statement, as connection_create_each inserts them: nothing stands against
-- them, the circuit's owner or an operator asks, and they are the first here of their circuit and of
-- their VNet.
-- All others are asked for one by one behind them. One plan for all calls: callbacks_write says why.
CREATE OR REPLACE FUNCTION connection_delete_each(p_callers caller[], p_ids uuid[],
                                                  p_customers uuid[])
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_callers caller[] := ARRAY(SELECT c FROM unnest(p_callers) c); -- it may be a slice
    v_roles text[] := ARRAY(SELECT role FROM unnest(p_callers));
    v_names text[] := ARRAY(SELECT actor FROM unnest(p_callers));
    v_circuits uuid[];
    v_vnets uuid[];
    v_ids uuid[];
    v_actors text;
    v_setting text;
    v_gone uuid[] := '{}';
    r verdict;
    o record;
BEGIN
    SELECT array_agg(circuit_id), array_agg(vnet_id) INTO v_circuits, v_vnets
    FROM connections WHERE id = ANY (p_ids);
    PERFORM FROM circuits WHERE id = ANY (v_circuits) ORDER BY id FOR NO KEY UPDATE;
    PERFORM FROM vnets WHERE id = ANY (v_vnets) ORDER BY id FOR NO KEY UPDATE;

    SELECT array_agg(id), json_object_agg(id, role || ':' || actor) INTO v_ids, v_actors
    FROM (SELECT asked.id, asked.role, asked.actor,
                 (f.verdict).outcome = 'ok' AND NOT f.shared
                 AND row_number() OVER (PARTITION BY (f.connection).circuit_id
                                        ORDER BY asked.n) = 1
                 AND row_number() OVER (PARTITION BY (f.connection).vnet_id
                                        ORDER BY asked.n) = 1 AS plain
          FROM unnest(p_ids, p_customers, v_roles, v_names) WITH ORDINALITY
                   AS asked (id, customer, role, actor, n),
               LATERAL connection_delete_facts(asked.id, asked.customer) AS f) AS sorted
    WHERE plain;

    IF v_ids IS NOT NULL THEN
        v_setting := set_config('onramp.actors', v_actors, true);
        WITH gone AS (DELETE FROM connections WHERE id = ANY (v_ids) RETURNING id)
        SELECT array_agg(id) INTO v_gone FROM gone;
        v_setting := set_config('onramp.actors', '', true);
    END IF;

    FOR o IN
        SELECT asked.*
        FROM unnest(p_ids, p_customers) WITH ORDINALITY AS asked (id, customer, n)
        ORDER BY n
    LOOP
        IF array_position(v_gone, o.id) IS NOT NULL THEN
            v_gone := array_remove(v_gone, o.id);
            r.outcome := 'ok';
        ELSE
            SELECT * INTO STRICT r
            FROM connection_delete(v_callers[o.n], o.id, o.customer);
        END IF;
        RETURN NEXT r;
    END LOOP;
END
$$;
COMMENT ON FUNCTION connection_delete_each IS
    'Delete connections, several at once, as connection_delete does it.';
GRANT EXECUTE ON FUNCTION connection_delete_each TO onramp_daemon;
