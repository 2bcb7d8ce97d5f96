-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION webhook_create(p_caller caller, p_url text, p_event_types text[],
                                          p_description text, p_secret text, p_customer uuid,
                                          p_partner text)
RETURNS SETOF webhook_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r webhook_view;
    v_owner text := p_caller.role || ':' || coalesce(p_customer::text, p_partner, '');
    v_id uuid;
BEGIN
    r.facts := seal_key_refused(p_secret);
    IF r.facts IS NOT NULL THEN
        r.outcome := 'unavailable';
        RETURN NEXT r;
        RETURN;
    END IF;
    r.facts := cap_refused('webhook_endpoints', v_owner,
        'There are %s of %s webhook endpoints; delete one first.');
    IF r.facts IS NOT NULL THEN
        r.outcome := 'webhook_limit_reached';
        RETURN NEXT r;
        RETURN;
    END IF;
    INSERT INTO webhook_endpoints (role, customer_id, partner, url, event_types, description)
    VALUES (p_caller.role, p_customer, p_partner, p_url, p_event_types, p_description)
    RETURNING id INTO v_id;
    INSERT INTO webhook_secrets (endpoint_id, secret) VALUES (v_id, p_secret);
    INSERT INTO delivery_turns (endpoint_id) VALUES (v_id);
    RETURN QUERY SELECT * FROM webhook_view WHERE id = v_id;
END
$$;
COMMENT ON FUNCTION webhook_create IS
    'Register a webhook endpoint of the caller''s, with the secret that its deliveries are signed '
    'with.';
GRANT EXECUTE ON FUNCTION webhook_create TO onramp_daemon;
