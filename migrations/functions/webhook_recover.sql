-- SPDX-License-Identifier: Apache-2.0
-- Between p_since and p_until: what was given up, and what of the feed never became a delivery
-- because the endpoint was off, not yet there, or did not want to hear it. What was delivered is
-- not sent again, nor what has come to the end of its attempts (delivery_redeliver). At most 5,000 of
-- either a call; where that is not all of it, p_since of the next call is in the answer.
--
-- Times are those of publication, which rise with the position: so the position of a time is found
-- by halving, without an index.
CREATE OR REPLACE FUNCTION webhook_recover(p_caller caller, p_id uuid, p_customer uuid,
                                           p_partner text, p_since timestamptz, p_until timestamptz)
RETURNS SETOF recovery
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    r recovery;
    w webhook_endpoints := webhook_lock(p_id, p_caller.role, p_customer, p_partner);
    t delivery_turns%ROWTYPE;
    v_now timestamptz := clock_timestamp();
    v_until timestamptz := least(p_until, v_now);
    v_low bigint;
    v_high bigint;
    v_middle bigint;
    v_heard bigint[];
    v_had bigint[];
    v_missed uuid[];
    v_given_up uuid[];
    v_id uuid;
BEGIN
    IF w.id IS NULL OR w.disabled_at IS NOT NULL THEN
        r.outcome := CASE WHEN w.id IS NULL THEN 'not_found' ELSE 'webhook_disabled' END;
        RETURN NEXT r;
        RETURN;
    END IF;
    IF p_since < v_now - interval '30 days' OR p_until < p_since THEN
        r.outcome := 'invalid_request';
        r.facts := jsonb_build_object('errors', jsonb_build_array(CASE
            WHEN p_until < p_since THEN jsonb_build_object(
                'pointer', '/until', 'code', 'out_of_range',
                'detail', 'A period ends when it begins or later.')
            ELSE jsonb_build_object(
                'pointer', '/since', 'code', 'out_of_range',
                'detail', 'Deliveries are kept for 30 days; name a time within them.') END));
        RETURN NEXT r;
        RETURN;
    END IF;

    -- The first position that was published at p_since or later.
    SELECT min(position), max(position) + 1 INTO v_low, v_high FROM feed;
    WHILE v_low < v_high LOOP
        v_middle := (v_low + v_high) / 2;
        IF (SELECT published_at < p_since FROM feed WHERE position = v_middle) THEN
            v_low := v_middle + 1;
        ELSE
            v_high := v_middle;
        END IF;
    END LOOP;
    CASE w.role
        WHEN 'customer' THEN
            v_heard := ARRAY(
                SELECT position FROM (
                    (SELECT position FROM feed
                     WHERE customer_id = w.customer_id AND position >= v_low
                     ORDER BY position NULLS FIRST LIMIT 5000)
                    UNION ALL
                    (SELECT position FROM feed
                     WHERE vnet_customer_id = w.customer_id AND position >= v_low
                     ORDER BY position NULLS FIRST LIMIT 5000)) AS f
                ORDER BY position LIMIT 5000);
        WHEN 'partner' THEN
            v_heard := ARRAY(
                SELECT position FROM feed WHERE partner = w.partner AND position >= v_low
                ORDER BY position NULLS FIRST LIMIT 5000);
        WHEN 'operator' THEN
            v_heard := ARRAY(
                SELECT position FROM feed WHERE position >= v_low ORDER BY position LIMIT 5000);
    END CASE;
    IF cardinality(v_heard) = 5000 THEN
        SELECT published_at INTO STRICT r.resume_since FROM feed WHERE position = v_heard[5000];
        IF r.resume_since > v_until THEN
            r.resume_since := NULL;
        END IF;
        v_until := least(v_until, r.resume_since);
    END IF;

    -- What has a delivery is left out before it is written, by what is to be found in one go: who
    -- asks again and again for the same must not cost the others their turn.
    v_had := ARRAY(
        SELECT d.place FROM unnest('{pending,delivered,exhausted}'::text[]) AS s (status)
        JOIN deliveries d ON d.endpoint_id = p_id AND d.status = s.status
        WHERE d.id >= uuid_v7_least(p_since)
              AND d.id < uuid_v7_least(v_until + interval '1 millisecond'));
    v_missed := ARRAY(
        SELECT n.id FROM delivery_write(ARRAY(
            SELECT f.position
            FROM (SELECT unnest(v_heard) EXCEPT SELECT unnest(v_had)) AS missed (position)
            JOIN feed f ON f.position = missed.position
            WHERE f.published_at BETWEEN p_since AND v_until), p_id) AS n);
    v_given_up := ARRAY(
        SELECT d.id FROM deliveries d
        WHERE d.endpoint_id = p_id AND d.status = 'exhausted'
              AND d.id >= uuid_v7_least(p_since)
              AND d.id < uuid_v7_least(v_until + interval '1 millisecond')
              AND delivery_attempted(d.id) < delivery_attempts_most()
        ORDER BY d.id LIMIT 5000);
    IF cardinality(v_given_up) = 5000 THEN
        SELECT least(created_at, r.resume_since) INTO STRICT r.resume_since
        FROM deliveries WHERE id = v_given_up[5000];
    END IF;
    WITH again AS (
        UPDATE deliveries SET status = 'pending', finished_at = NULL WHERE id = ANY (v_given_up)
        RETURNING id)
    SELECT coalesce(array_agg(id), '{}') INTO v_given_up FROM again;
    FOREACH v_id IN ARRAY v_missed || v_given_up LOOP
        PERFORM delivery_enqueue(v_id, v_now);
    END LOOP;
    SELECT * INTO STRICT t FROM delivery_turns WHERE endpoint_id = p_id;
    t.next_due := least(t.next_due, v_now);
    PERFORM delivery_turn_set(t, v_now);
    r.outcome := 'ok';
    r.recovered := cardinality(v_missed) + cardinality(v_given_up);
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION webhook_recover IS
    'Deliver to a webhook endpoint of the caller''s what it has missed in a period.';
GRANT EXECUTE ON FUNCTION webhook_recover TO onramp_daemon;
