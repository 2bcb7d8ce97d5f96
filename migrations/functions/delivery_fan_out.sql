-- SPDX-License-Identifier: Apache-2.0
-- Internal: called by the publisher, in the transaction that puts these positions into the feed.
-- The turns are locked last, so that what is being sent meanwhile is recorded meanwhile.
CREATE OR REPLACE FUNCTION delivery_fan_out(p_from bigint, p_to bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_endpoints uuid[];
    v_queues uuid[];
    v_places bigint[];
    v_ids uuid[];
    v_now timestamptz;
BEGIN
    PERFORM FROM webhook_endpoints WHERE disabled_at IS NULL AND deleted_at IS NULL LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT array_agg(endpoint_id), array_agg(queue), array_agg(place), array_agg(id)
    INTO v_endpoints, v_queues, v_places, v_ids
    FROM delivery_write(ARRAY(SELECT generate_series(p_from, p_to)), NULL);
    IF v_ids IS NULL THEN
        RETURN;
    END IF;

    PERFORM FROM delivery_turns WHERE endpoint_id = ANY (v_endpoints)
    ORDER BY endpoint_id FOR UPDATE;
    v_now := clock_timestamp();
    INSERT INTO delivery_queue (endpoint_id, queue, place, delivery_id, created_at, due_at, head)
    SELECT n.endpoint_id, n.queue, n.place, n.id, v_now, v_now,
           n.number = 1 AND NOT EXISTS (
               SELECT FROM delivery_queue q
               WHERE q.endpoint_id = n.endpoint_id AND q.queue = n.queue)
    FROM (SELECT *, row_number() OVER (PARTITION BY endpoint_id, queue ORDER BY place) AS number
          FROM unnest(v_endpoints, v_queues, v_places, v_ids)
               AS new (endpoint_id, queue, place, id)) AS n
    ORDER BY n.place;
    UPDATE delivery_turns
    SET next_due = least(next_due, v_now),
        due_at = CASE WHEN open AND in_flight < 4 THEN least(due_at, v_now) ELSE due_at END
    WHERE endpoint_id = ANY (v_endpoints);
END
$$;
COMMENT ON FUNCTION delivery_fan_out IS
    'Deliver the events at positions p_from to p_to of the feed to every endpoint that hears them.';
