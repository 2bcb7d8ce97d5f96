-- SPDX-License-Identifier: Apache-2.0
-- What is older than 30 days and will not be sent any more; then what is left of an endpoint that
-- was deleted. Turns that somebody holds are passed over until the next time.
CREATE OR REPLACE FUNCTION delivery_sweep(p_limit int)
RETURNS TABLE (outcome text, facts jsonb, done bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_old uuid := uuid_v7_least(v_now - interval '30 days');
    v_ids uuid[];
    v_endpoint uuid;
    v_queues uuid[];
BEGIN
    v_ids := ARRAY(
        SELECT id FROM deliveries WHERE id < v_old AND status <> 'pending'
        ORDER BY id LIMIT p_limit
        FOR UPDATE SKIP LOCKED);
    IF v_ids = '{}' THEN
        -- Of endpoints that are off, one at a time.
        SELECT t.endpoint_id INTO v_endpoint
        FROM deliveries d JOIN delivery_turns t ON t.endpoint_id = d.endpoint_id
        WHERE d.id < v_old AND NOT t.open
        ORDER BY d.id LIMIT 1
        FOR UPDATE OF t SKIP LOCKED;
        IF NOT FOUND THEN
            v_old := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
            SELECT t.endpoint_id INTO v_endpoint
            FROM webhook_endpoints w JOIN delivery_turns t ON t.endpoint_id = w.id
            WHERE w.deleted_at IS NOT NULL
            ORDER BY w.deleted_at LIMIT 1
            FOR UPDATE OF t SKIP LOCKED;
        END IF;
        v_ids := ARRAY(
            SELECT d.id FROM unnest('{pending,delivered,exhausted}'::text[]) AS s (status)
            JOIN deliveries d ON d.endpoint_id = v_endpoint AND d.status = s.status
            WHERE d.id < v_old LIMIT p_limit);
        -- Each queue that lost its head has another one, due when the endpoint is on again.
        WITH gone AS (
            DELETE FROM delivery_queue q USING deliveries d
            WHERE d.id = ANY (v_ids) AND q.endpoint_id = v_endpoint AND q.queue = d.queue
                  AND q.place = d.place
            RETURNING q.queue, q.head)
        SELECT array_agg(queue) INTO v_queues FROM gone WHERE head;
        UPDATE delivery_queue q SET head = true, due_at = v_now
        FROM unnest(v_queues) AS headless (queue)
        WHERE q.endpoint_id = v_endpoint AND q.queue = headless.queue
              AND q.place = (SELECT place FROM delivery_queue
                             WHERE endpoint_id = v_endpoint AND queue = headless.queue
                             ORDER BY place LIMIT 1);
        UPDATE delivery_turns
        SET next_due = least(next_due, v_now),
            in_flight = (SELECT count(*) FROM delivery_queue
                         WHERE endpoint_id = v_endpoint AND head AND leased)
        WHERE endpoint_id = v_endpoint;
    END IF;

    DELETE FROM delivery_attempts WHERE delivery_id = ANY (v_ids);
    DELETE FROM deliveries WHERE id = ANY (v_ids);
    GET DIAGNOSTICS done = ROW_COUNT;
    -- An hour: a publisher that saw it before it was deleted is through by then.
    IF done = 0 AND v_endpoint IS NOT NULL THEN
        DELETE FROM delivery_turns WHERE endpoint_id = (
            SELECT id FROM webhook_endpoints
            WHERE id = v_endpoint AND deleted_at < clock_timestamp() - interval '1 hour');
        IF FOUND THEN
            DELETE FROM webhook_endpoints WHERE id = v_endpoint;
        END IF;
    END IF;
    outcome := 'ok';
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION delivery_sweep IS
    'Forget deliveries of more than 30 days ago and of deleted endpoints, p_limit at most.';
GRANT EXECUTE ON FUNCTION delivery_sweep TO onramp_daemon;
