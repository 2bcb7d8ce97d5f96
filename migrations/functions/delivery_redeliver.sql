-- SPDX-License-Identifier: Apache-2.0
-- The same id and body again, at its old place in the order of its circuit. One that is pending is
-- due at once, if it is its turn, and one that is on its way is left alone.
--
-- Every attempt is kept with up to 4 KiB of the answer and shown in lists, so there is an end to
-- them: whoever asked again and again would fill the answers, and the memory they are written in.
CREATE OR REPLACE FUNCTION delivery_redeliver(p_caller caller, p_id uuid, p_delivery uuid,
                                              p_customer uuid, p_partner text)
RETURNS SETOF delivery_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r delivery_view;
    w webhook_endpoints := webhook_lock(p_id, p_caller.role, p_customer, p_partner);
    d deliveries%ROWTYPE;
    t delivery_turns%ROWTYPE;
    v_now timestamptz := clock_timestamp();
    v_attempts int;
BEGIN
    SELECT * INTO d FROM deliveries WHERE id = p_delivery AND endpoint_id = w.id FOR UPDATE;
    IF NOT FOUND OR w.disabled_at IS NOT NULL THEN
        r.outcome := CASE WHEN d.id IS NULL THEN 'not_found' ELSE 'webhook_disabled' END;
        RETURN NEXT r;
        RETURN;
    END IF;
    v_attempts := delivery_attempted(p_delivery);
    IF v_attempts >= delivery_attempts_most() AND d.status <> 'pending' THEN
        r.outcome := 'delivery_limit_reached';
        r.facts := jsonb_build_object('limit', delivery_attempts_most(), 'used', v_attempts,
                                      'scope', 'delivery');
        RETURN NEXT r;
        RETURN;
    END IF;
    IF d.status = 'pending' THEN
        UPDATE delivery_queue SET due_at = v_now
        WHERE endpoint_id = p_id AND queue = d.queue AND place = d.place AND head AND NOT leased;
    ELSE
        UPDATE deliveries SET status = 'pending', finished_at = NULL WHERE id = p_delivery;
        PERFORM delivery_enqueue(p_delivery, v_now);
    END IF;
    SELECT * INTO STRICT t FROM delivery_turns WHERE endpoint_id = p_id;
    t.next_due := least(t.next_due, v_now);
    PERFORM delivery_turn_set(t, v_now);
    RETURN QUERY SELECT * FROM delivery_view WHERE id = p_delivery;
END
$$;
COMMENT ON FUNCTION delivery_redeliver IS
    'Send a delivery to a webhook endpoint of the caller''s again, or now instead of later.';
GRANT EXECUTE ON FUNCTION delivery_redeliver TO onramp_daemon;
