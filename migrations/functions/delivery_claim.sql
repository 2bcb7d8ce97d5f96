-- SPDX-License-Identifier: Apache-2.0
-- One endpoint after the other whose turn has come, up to four deliveries each, all of them p_limit
-- at most. Turns that somebody holds are passed over, so claims never wait and never deadlock. What
-- was claimed before and has outlived its lease is claimed again, under a new fence.
--
-- The planner settings: these tables grow from nothing to millions of rows within the life of a
-- cached plan, and every look into them is by a whole key or at one end of an index.
CREATE OR REPLACE FUNCTION delivery_claim(p_limit int, p_lease_seconds int)
RETURNS SETOF delivery_claim_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    r delivery_claim_view;
    t delivery_turns%ROWTYPE;
    v_now timestamptz := clock_timestamp();
    v_ends timestamptz := v_now + make_interval(secs => p_lease_seconds);
    v_left int := p_limit;
    v_again int;
    v_new int;
    v_due timestamptz;
BEGIN
    r.outcome := 'ok';
    FOR t IN
        SELECT * FROM delivery_turns WHERE due_at <= v_now ORDER BY due_at LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    LOOP
        EXIT WHEN v_left = 0;
        SELECT url, owner, (SELECT jsonb_agg(s.secret ORDER BY s.id DESC)
                            FROM webhook_secrets s
                            WHERE s.endpoint_id = w.id
                                  AND (s.expires_at IS NULL OR s.expires_at > v_now))
        INTO r.url, r.owner, r.secrets
        FROM webhook_endpoints w WHERE w.id = t.endpoint_id;
        r.endpoint_id := t.endpoint_id;
        v_again := 0;
        v_new := 0;

        IF t.lease_ends <= v_now THEN
            FOR r.id, r.fence, r.attempts, r.first_at, r.event_type, r.body, r.traceparent IN
                WITH claimed AS (
                    UPDATE delivery_queue
                    SET due_at = v_ends, fence = nextval('delivery_fences')
                    WHERE ctid = ANY (ARRAY(
                        SELECT ctid FROM delivery_queue
                        WHERE endpoint_id = t.endpoint_id AND head AND leased
                              AND due_at BETWEEN t.lease_ends AND v_now
                        ORDER BY due_at, place LIMIT v_left))
                    RETURNING delivery_id, fence, attempts, created_at)
                SELECT c.delivery_id, c.fence, c.attempts, c.created_at, d.event_type, d.body,
                       d.traceparent
                FROM claimed c JOIN deliveries d ON d.id = c.delivery_id
            LOOP
                v_again := v_again + 1;
                RETURN NEXT r;
            END LOOP;
        END IF;

        IF t.next_due <= v_now AND t.in_flight < 4 AND v_left > v_again THEN
            FOR r.id, r.fence, r.attempts, r.first_at, r.event_type, r.body, r.traceparent IN
                WITH claimed AS (
                    UPDATE delivery_queue
                    SET leased = true, due_at = v_ends, fence = nextval('delivery_fences')
                    WHERE ctid = ANY (ARRAY(
                        SELECT ctid FROM delivery_queue
                        WHERE endpoint_id = t.endpoint_id AND head AND NOT leased
                              AND due_at BETWEEN t.next_due AND v_now
                        ORDER BY due_at, place LIMIT least(4 - t.in_flight, v_left - v_again)))
                    RETURNING delivery_id, fence, attempts, created_at)
                SELECT c.delivery_id, c.fence, c.attempts, c.created_at, d.event_type, d.body,
                       d.traceparent
                FROM claimed c JOIN deliveries d ON d.id = c.delivery_id
            LOOP
                v_new := v_new + 1;
                RETURN NEXT r;
            END LOOP;
        END IF;

        v_left := v_left - v_again - v_new;
        t.in_flight := t.in_flight + v_new;
        t.lease_ends := least(t.lease_ends, v_ends);
        PERFORM delivery_turn_set(t, v_now);
    END LOOP;

    IF v_left = p_limit THEN
        r := NULL;
        r.outcome := 'ok';
        SELECT due_at INTO v_due FROM delivery_turns
        WHERE due_at < 'infinity' ORDER BY due_at LIMIT 1;
        -- A turn that has come and is held by somebody is free again in a moment.
        r.due_in_ms := greatest(20, ceil(extract(epoch FROM v_due - clock_timestamp()) * 1000));
        IF v_due IS NULL THEN
            r.due_in_ms := NULL;
        END IF;
        RETURN NEXT r;
    END IF;
END
$$;
COMMENT ON FUNCTION delivery_claim IS
    'Claim deliveries that are due, p_limit at most, each endpoint in its turn, for a time.';
GRANT EXECUTE ON FUNCTION delivery_claim TO onramp_daemon;
