-- SPDX-License-Identifier: Apache-2.0
-- Internal: move what is committed to the feed, in order of seq, p_limit at most; how many. Events
-- of one circuit never change places: whoever sees the later one of them as committed sees the
-- earlier one too.
--
-- By the index, whatever the planner thinks of a table that is empty when it plans: behind a burst
-- the table is full of dead rows, which an index passes over and a sequential scan does not.
CREATE OR REPLACE FUNCTION feed_publish(p_limit int)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_last bigint;
    v_count bigint;
BEGIN
    -- Mostly there is nothing to do, and then nothing is locked.
    PERFORM FROM events_unpublished ORDER BY seq LIMIT 1;
    IF NOT FOUND OR NOT pg_try_advisory_xact_lock(hashtextextended('feed', 30)) THEN
        RETURN 0;
    END IF;
    -- A statement of its own, behind the lock: it sees what the last publisher has committed.
    SELECT coalesce(max(position), 0) INTO v_last FROM feed;
    INSERT INTO feed (position, seq, circuit_id, sequence, at, customer_id, service_key,
                      vnet_customer_id, partner, traceparent)
    SELECT v_last + row_number() OVER (ORDER BY seq), seq, circuit_id, sequence, at, customer_id,
           service_key, vnet_customer_id, partner, traceparent
    FROM (SELECT * FROM events_unpublished ORDER BY seq LIMIT p_limit) AS u;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    -- feed_continued() has taken them from the unpublished.
    PERFORM delivery_fan_out(v_last + 1, v_last + v_count);
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION feed_publish IS
    'Give committed events their positions in the feed, and their deliveries; one publisher at a '
    'time.';
