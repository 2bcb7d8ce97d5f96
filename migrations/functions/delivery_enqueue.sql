-- SPDX-License-Identifier: Apache-2.0
-- Internal: the caller holds the turn of the endpoint, and writes it afterwards with a next_due no
-- later than p_now. Puts a delivery that stands in no queue into its own at its place: in front of
-- what comes later and is not on its way.
CREATE OR REPLACE FUNCTION delivery_enqueue(p_id uuid, p_now timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    d deliveries%ROWTYPE;
    h delivery_queue%ROWTYPE;
    v_head boolean := true;
BEGIN
    SELECT endpoint_id, queue, place INTO STRICT d.endpoint_id, d.queue, d.place
    FROM deliveries WHERE id = p_id;
    SELECT * INTO h FROM delivery_queue
    WHERE endpoint_id = d.endpoint_id AND queue = d.queue AND head;
    IF FOUND THEN
        v_head := NOT h.leased AND h.place > d.place;
        IF v_head THEN
            UPDATE delivery_queue SET head = false
            WHERE endpoint_id = h.endpoint_id AND queue = h.queue AND place = h.place;
        END IF;
    END IF;
    INSERT INTO delivery_queue (endpoint_id, queue, place, delivery_id, created_at, due_at, head)
    VALUES (d.endpoint_id, d.queue, d.place, p_id, p_now, p_now, v_head);
END
$$;
COMMENT ON FUNCTION delivery_enqueue IS 'Put one delivery into its queue.';
