-- SPDX-License-Identifier: Apache-2.0
-- Internal: the caller holds the turn and has changed its queue, or in_flight, open, failing_since
-- of the row it passes. next_due and lease_ends of that row are not later than the earliest head
-- that is free and that is leased; from there on it is looked for.
CREATE OR REPLACE FUNCTION delivery_turn_set(t delivery_turns, p_now timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    UPDATE delivery_turns u
    SET next_due = e.next, lease_ends = e.ends, in_flight = t.in_flight, open = t.open,
        failing_since = t.failing_since,
        -- Not before now: who was served goes behind those that wait.
        due_at = CASE WHEN NOT t.open THEN 'infinity'
                      WHEN t.in_flight = 4 THEN greatest(e.ends, p_now)
                      ELSE greatest(least(e.next, e.ends), p_now) END
    FROM (SELECT coalesce((SELECT due_at FROM delivery_queue
                           WHERE endpoint_id = t.endpoint_id AND head AND NOT leased
                                 AND due_at >= t.next_due
                           ORDER BY due_at, place LIMIT 1), 'infinity') AS next,
                 coalesce((SELECT due_at FROM delivery_queue
                           WHERE endpoint_id = t.endpoint_id AND head AND leased
                                 AND due_at >= t.lease_ends
                           ORDER BY due_at, place LIMIT 1), 'infinity') AS ends) AS e
    WHERE u.endpoint_id = t.endpoint_id;
END
$$;
COMMENT ON FUNCTION delivery_turn_set IS
    'Write an endpoint''s turn, after its queue has changed.';
