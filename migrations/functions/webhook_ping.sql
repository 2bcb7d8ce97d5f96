-- SPDX-License-Identifier: Apache-2.0
-- Whatever events the endpoint wants to hear.
CREATE OR REPLACE FUNCTION webhook_ping(p_caller caller, p_id uuid, p_customer uuid, p_partner text)
RETURNS SETOF delivery_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r delivery_view;
    w webhook_endpoints := webhook_lock(p_id, p_caller.role, p_customer, p_partner);
    v_now timestamptz := clock_timestamp();
    v_id uuid;
BEGIN
    IF w.id IS NULL OR w.disabled_at IS NOT NULL THEN
        r.outcome := CASE WHEN w.id IS NULL THEN 'not_found' ELSE 'webhook_disabled' END;
        RETURN NEXT r;
        RETURN;
    END IF;
    v_id := webhook_tell(p_id, v_now, 'ping', p_id, NULL);
    RETURN QUERY SELECT * FROM delivery_view WHERE id = v_id;
END
$$;
COMMENT ON FUNCTION webhook_ping IS
    'Send an event without content to a webhook endpoint of the caller''s.';
GRANT EXECUTE ON FUNCTION webhook_ping TO onramp_daemon;
