-- SPDX-License-Identifier: Apache-2.0
-- Lock the endpoint's turn, or, where this may switch the endpoint off, those of all endpoints of
-- its owner, which will hear of it. Several calls in one transaction have their turns locked by
-- batch_lock; what one that switches off locks beyond may deadlock, and is run again alone.
--
-- p_verdict: delivered; retry, at p_next_at; exhausted: given up; gone: the endpoint wants no more
-- (410), and the delivery waits for its owner to switch it on again.
CREATE OR REPLACE FUNCTION delivery_record(p_id uuid, p_fence bigint, p_at timestamptz,
                                           p_status int, p_latency_ms int, p_error text,
                                           p_response text, p_verdict text,
                                           p_next_at timestamptz, p_disable_after_seconds int)
RETURNS TABLE (outcome text, facts jsonb, disabled boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    d deliveries%ROWTYPE;
    t delivery_turns%ROWTYPE;
    v_now timestamptz;
    v_next bigint;
    v_patience interval := make_interval(secs => p_disable_after_seconds);
    v_all boolean;
BEGIN
    -- Told to the one who sends, never to a client.
    outcome := 'lease_lost';
    disabled := false;
    SELECT id, endpoint_id, queue, place INTO d.id, d.endpoint_id, d.queue, d.place
    FROM deliveries WHERE id = p_id;
    IF NOT FOUND THEN
        RETURN NEXT;
        RETURN;
    END IF;
    -- Looked at ahead of the lock, and decided under it.
    v_all := p_verdict = 'gone' OR (p_verdict <> 'delivered' AND EXISTS (
        SELECT FROM delivery_turns
        WHERE endpoint_id = d.endpoint_id AND failing_since <= p_at - v_patience));
    IF v_all THEN
        PERFORM FROM delivery_turns WHERE endpoint_id IN (
            SELECT o.id FROM webhook_endpoints w JOIN webhook_endpoints o ON o.owner = w.owner
            WHERE w.id = d.endpoint_id AND (o.deleted_at IS NULL OR o.id = w.id))
        ORDER BY endpoint_id FOR UPDATE;
    END IF;
    SELECT * INTO t FROM delivery_turns WHERE endpoint_id = d.endpoint_id FOR UPDATE;
    IF p_verdict = 'retry' THEN
        UPDATE delivery_queue
        SET leased = false, attempts = attempts + 1, due_at = coalesce(p_next_at, p_at)
        WHERE endpoint_id = d.endpoint_id AND queue = d.queue AND place = d.place
              AND leased AND fence = p_fence
        RETURNING due_at INTO v_now;
    ELSIF p_verdict = 'gone' THEN
        UPDATE delivery_queue
        SET leased = false, attempts = attempts + 1, due_at = p_at
        WHERE endpoint_id = d.endpoint_id AND queue = d.queue AND place = d.place
              AND leased AND fence = p_fence
        RETURNING due_at INTO v_now;
    ELSE
        DELETE FROM delivery_queue
        WHERE endpoint_id = d.endpoint_id AND queue = d.queue AND place = d.place
              AND leased AND fence = p_fence;
    END IF;
    IF NOT FOUND THEN
        RETURN NEXT;
        RETURN;
    END IF;
    t.next_due := least(t.next_due, v_now);
    v_now := clock_timestamp();

    INSERT INTO delivery_attempts (delivery_id, number, at, status, latency_ms, error, response)
    VALUES (p_id, 1 + delivery_attempted(p_id), p_at, p_status, p_latency_ms, p_error, p_response);
    IF p_verdict IN ('delivered', 'exhausted') THEN
        UPDATE deliveries SET status = p_verdict, finished_at = v_now WHERE id = p_id;
        SELECT place INTO v_next FROM delivery_queue
        WHERE endpoint_id = d.endpoint_id AND queue = d.queue
        ORDER BY place LIMIT 1;
        IF FOUND THEN
            UPDATE delivery_queue SET head = true, due_at = v_now
            WHERE endpoint_id = d.endpoint_id AND queue = d.queue AND place = v_next;
            t.next_due := least(t.next_due, v_now);
        END IF;
    ELSE
        -- What was asked for again meanwhile may have its place before this one.
        SELECT place INTO v_next FROM delivery_queue
        WHERE endpoint_id = d.endpoint_id AND queue = d.queue
        ORDER BY place LIMIT 1;
        IF v_next <> d.place THEN
            UPDATE delivery_queue SET head = false
            WHERE endpoint_id = d.endpoint_id AND queue = d.queue AND place = d.place;
            UPDATE delivery_queue SET head = true, due_at = v_now
            WHERE endpoint_id = d.endpoint_id AND queue = d.queue AND place = v_next;
            t.next_due := least(t.next_due, v_now);
        END IF;
    END IF;

    t.in_flight := t.in_flight - 1;
    t.failing_since := CASE WHEN p_verdict <> 'delivered' THEN coalesce(t.failing_since, p_at) END;
    disabled := v_all AND t.open
        AND (p_verdict = 'gone' OR t.failing_since <= p_at - v_patience);
    t.open := t.open AND NOT disabled;
    PERFORM delivery_turn_set(t, v_now);
    IF disabled THEN
        PERFORM webhook_disable(d.endpoint_id, v_now, CASE p_verdict
            WHEN 'gone' THEN 'The endpoint answered 410 Gone.'
            ELSE format('Nothing but failures since %s.', time_shown(t.failing_since)) END);
    END IF;
    outcome := 'ok';
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION delivery_record IS
    'Keep an attempt at a delivery and what follows from it, if its claim still stands.';
GRANT EXECUTE ON FUNCTION delivery_record TO onramp_daemon;
