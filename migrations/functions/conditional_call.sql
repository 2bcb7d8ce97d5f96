-- SPDX-License-Identifier: Apache-2.0
-- One function of the API, run under the conditions that its request made: an Idempotency-Key, an
-- If-Match, a dry run; and for the trace that it belongs to. p_row only says of which type the
-- answer is. What may be run is what the daemon may run itself, so nothing is to be gained by coming
-- here.
--
-- Nothing here waits for another request of the same key: the advisory lock is only tried, and
-- while it is held nobody else inserts that key, so a shared transaction never waits for another
-- one here. A second request of the same key in one transaction has the lock already, and finds the
-- first one's row.
DROP FUNCTION IF EXISTS conditional_call(anyelement, text, text[], text, uuid, uuid, text, text,
                                         text, bigint[], boolean);
CREATE OR REPLACE FUNCTION conditional_call(p_row anyelement, p_function text, p_arguments text[],
                                            p_resource text, p_id uuid, p_customer uuid,
                                            p_scope text, p_key text, p_digest text,
                                            p_versions bigint[], p_traceparent text,
                                            p_dry boolean)
RETURNS SETOF anyelement
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r record;
    v verdict;
    k idempotency_keys%ROWTYPE;
    v_function pg_proc%ROWTYPE;
    v_call text;
    v_version bigint;
    v_traceparent text;
    -- The two that are asked all the time keep their plans; any other is planned for each call.
    v_kept boolean := p_key IS NOT NULL AND p_dry IS NOT TRUE
                      AND p_function IN ('circuit_create', 'connection_create');
BEGIN
    IF p_key IS NOT NULL THEN
        IF NOT idempotency_key_take(p_scope, p_key) THEN
            v.outcome := 'idempotency_key_in_progress';
            RETURN NEXT jsonb_populate_record(p_row, to_jsonb(v));
            RETURN;
        END IF;
        SELECT * INTO k FROM idempotency_key_live(p_scope, p_key);
        IF FOUND THEN
            IF k.digest = decode(p_digest, 'hex') THEN
                RETURN NEXT jsonb_populate_record(p_row,
                    k.answer || '{"outcome": "replayed"}');
            ELSE
                v.outcome := 'idempotency_key_reused';
                RETURN NEXT jsonb_populate_record(p_row, to_jsonb(v));
            END IF;
            RETURN;
        END IF;
    END IF;

    -- What the caller doesn't see has no version: the function itself says so.
    IF p_versions IS NOT NULL THEN
        CASE p_resource
            WHEN 'circuit' THEN
                SELECT last_sequence INTO v_version FROM circuit_lock(p_id, p_customer);
            WHEN 'vnet' THEN
                SELECT version INTO v_version FROM vnet_lock(p_id, p_customer);
        END CASE;
        -- Asked for, because <> ALL of no version at all is true whatever stands before it.
        IF v_version IS NOT NULL AND v_version <> ALL (p_versions) THEN
            v.outcome := 'version_mismatch';
            v.facts := jsonb_build_object('detail',
                format('The version is %s by now. Read it again, and decide again.', v_version));
            RETURN NEXT jsonb_populate_record(p_row, to_jsonb(v));
            RETURN;
        END IF;
    END IF;

    IF NOT v_kept THEN
        SELECT * INTO STRICT v_function FROM pg_proc
        WHERE pronamespace = 'onramp'::regnamespace AND proname = p_function
              AND prorettype = pg_typeof(p_row)
              AND has_function_privilege('onramp_daemon', oid, 'EXECUTE');
        v_call := format('SELECT * FROM onramp.%I(%s)', p_function, (
            SELECT string_agg(format('$1[%s]::%s', n, format_type(type, NULL)), ', ' ORDER BY n)
            FROM unnest(v_function.proargtypes) WITH ORDINALITY AS argument (type, n)));
    END IF;
    IF p_dry THEN
        BEGIN
            EXECUTE v_call INTO STRICT r USING p_arguments;
            RAISE SQLSTATE 'ONDRY';
        EXCEPTION WHEN SQLSTATE 'ONDRY' THEN
            -- What would have been handed out never was.
            IF r.outcome = 'ok' THEN
                RETURN NEXT jsonb_populate_record(p_row,
                    to_jsonb(r)
                    || '{"id": null, "service_key": null, "authorization_key": null}');
            ELSE
                RETURN NEXT r;
            END IF;
        END;
        RETURN;
    END IF;

    -- What is written here belongs to the trace, what neighbours in this transaction write does not.
    -- Assigned: PERFORM would be a query.
    IF p_traceparent IS NOT NULL THEN
        v_traceparent := set_config('onramp.traceparent', p_traceparent, true);
    END IF;
    IF p_key IS NULL THEN
        -- Also of those that answer a list.
        RETURN QUERY EXECUTE v_call USING p_arguments;
    ELSE
        IF NOT v_kept THEN
            EXECUTE v_call INTO STRICT r USING p_arguments;
        ELSIF p_function = 'circuit_create' THEN
            SELECT * INTO STRICT r
            FROM circuit_create(p_arguments[1]::caller, p_arguments[2]::uuid, p_arguments[3],
                                p_arguments[4], p_arguments[5], p_arguments[6]::int,
                                p_arguments[7], p_arguments[8], p_arguments[9]::jsonb);
        ELSE
            SELECT * INTO STRICT r
            FROM connection_create(p_arguments[1]::caller, p_arguments[2]::uuid,
                                   p_arguments[3]::uuid, p_arguments[4]::uuid, p_arguments[5]);
        END IF;
        IF r.outcome = 'ok' THEN
            PERFORM idempotency_keys_put(ARRAY[p_scope], ARRAY[p_key], ARRAY[p_digest],
                                         ARRAY[to_jsonb(r)]);
        END IF;
        RETURN NEXT r;
    END IF;
    IF p_traceparent IS NOT NULL THEN
        v_traceparent := set_config('onramp.traceparent', '', true);
    END IF;
END
$$;
COMMENT ON FUNCTION conditional_call IS
    'Run a function of the API once for a key, at certain versions only, without effect, or as '
    'part of a trace.';
GRANT EXECUTE ON FUNCTION conditional_call TO onramp_daemon;
