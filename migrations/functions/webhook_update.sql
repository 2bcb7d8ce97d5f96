-- SPDX-License-Identifier: Apache-2.0
-- Null leaves what is there. What is pending while the endpoint is off goes on when it is on again,
-- at once.
CREATE OR REPLACE FUNCTION webhook_update(p_caller caller, p_id uuid, p_customer uuid,
                                          p_partner text, p_url text, p_event_types text[],
                                          p_description text, p_enabled boolean)
RETURNS SETOF webhook_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    r webhook_view;
    w webhook_endpoints := webhook_lock(p_id, p_caller.role, p_customer, p_partner);
    t delivery_turns%ROWTYPE;
    v_now timestamptz := clock_timestamp();
BEGIN
    IF w.id IS NULL THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;
    UPDATE webhook_endpoints
    SET url = coalesce(p_url, url), event_types = coalesce(p_event_types, event_types),
        description = coalesce(p_description, description),
        disabled_at = CASE WHEN p_enabled THEN NULL
                           WHEN NOT p_enabled THEN coalesce(disabled_at, v_now)
                           ELSE disabled_at END,
        disabled_reason = CASE WHEN p_enabled THEN NULL
                               WHEN NOT p_enabled
                                   THEN coalesce(disabled_reason, 'Its owner switched it off.')
                               ELSE disabled_reason END
    WHERE id = p_id;
    IF p_enabled <> (w.disabled_at IS NULL) THEN
        SELECT * INTO STRICT t FROM delivery_turns WHERE endpoint_id = p_id;
        t.open := p_enabled;
        -- It begins anew: what it failed before counts no more.
        t.failing_since := NULL;
        IF p_enabled THEN
            UPDATE delivery_queue SET due_at = v_now
            WHERE endpoint_id = p_id AND head AND NOT leased AND due_at > v_now;
            t.next_due := least(t.next_due, v_now);
        END IF;
        PERFORM delivery_turn_set(t, v_now);
    END IF;
    RETURN QUERY SELECT * FROM webhook_view WHERE id = p_id;
END
$$;
COMMENT ON FUNCTION webhook_update IS
    'Change a webhook endpoint of the caller''s, or switch it off or on.';
GRANT EXECUTE ON FUNCTION webhook_update TO onramp_daemon;
