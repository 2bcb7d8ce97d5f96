-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION token_create(p_caller caller, p_key_id text, p_sha256 text, p_role text,
                                        p_customer uuid, p_partner text, p_description text,
                                        p_expires_at timestamptz, p_caller_customer uuid,
                                        p_caller_partner text)
RETURNS SETOF token_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r token_view;
    v_customer uuid := p_customer;
    v_partner text := p_partner;
    v_errors jsonb := '[]';
    v_id uuid;
BEGIN
    -- Others than operators for themselves alone; they need not say who they are.
    IF p_caller.role <> 'operator' THEN
        IF p_role = p_caller.role THEN
            v_customer := coalesce(v_customer, p_caller_customer);
            v_partner := coalesce(v_partner, p_caller_partner);
        END IF;
        IF p_role <> p_caller.role OR v_customer IS DISTINCT FROM p_caller_customer
           OR v_partner IS DISTINCT FROM p_caller_partner
        THEN
            r.outcome := 'forbidden';
            r.facts := jsonb_build_object('detail',
                'You may create tokens for yourself only; ask an operator for others.');
            RETURN NEXT r;
            RETURN;
        END IF;
    END IF;

    IF p_role = 'customer' AND v_customer IS NULL THEN
        v_errors := v_errors || jsonb_build_object('pointer', '/customerId', 'code', 'required',
            'detail', 'A customer''s token is bound to a customer; name it.');
    ELSIF p_role = 'customer' AND NOT EXISTS (SELECT FROM customers WHERE id = v_customer) THEN
        v_errors := v_errors || jsonb_build_object(
            'pointer', '/customerId', 'code', 'invalid_value',
            'detail', 'There is no such customer.');
    ELSIF p_role <> 'customer' AND v_customer IS NOT NULL THEN
        v_errors := v_errors || jsonb_build_object(
            'pointer', '/customerId', 'code', 'invalid_value',
            'detail', 'Only a customer''s token is bound to a customer; leave it out.');
    END IF;
    IF p_role = 'partner' AND v_partner IS NULL THEN
        v_errors := v_errors || jsonb_build_object('pointer', '/partner', 'code', 'required',
            'detail', 'A partner''s token is bound to a partner; name it.');
    ELSIF p_role = 'partner' AND NOT EXISTS (SELECT FROM partners WHERE name = v_partner) THEN
        v_errors := v_errors || jsonb_build_object('pointer', '/partner', 'code', 'invalid_value',
            'detail', 'There is no such partner; GET /v1/partners lists them.');
    ELSIF p_role <> 'partner' AND v_partner IS NOT NULL THEN
        v_errors := v_errors || jsonb_build_object('pointer', '/partner', 'code', 'invalid_value',
            'detail', 'Only a partner''s token is bound to a partner; leave it out.');
    END IF;
    IF p_expires_at <= clock_timestamp() THEN
        v_errors := v_errors || jsonb_build_object('pointer', '/expiresAt', 'code', 'out_of_range',
            'detail', 'A token can''t expire before it is made; name a time to come.');
    END IF;
    IF v_errors <> '[]' THEN
        r.outcome := 'invalid_request';
        r.facts := jsonb_build_object('errors', v_errors);
        RETURN NEXT r;
        RETURN;
    END IF;

    r.facts := cap_refused('tokens',
        p_role || ':' || coalesce(v_customer::text, v_partner, ''),
        'There are %s of %s live tokens; delete one that is not needed any more.');
    IF r.facts IS NOT NULL THEN
        r.outcome := 'token_limit_reached';
        RETURN NEXT r;
        RETURN;
    END IF;
    INSERT INTO tokens (key_id, sha256, role, customer_id, partner, description, expires_at)
    VALUES (p_key_id, decode(p_sha256, 'hex'), p_role, v_customer, v_partner,
            coalesce(p_description, ''),
            p_expires_at)
    RETURNING id INTO v_id;
    RETURN QUERY SELECT * FROM token_view WHERE id = v_id;
END
$$;
COMMENT ON FUNCTION token_create IS 'Keep a new token''s digest and what it is bound to.';
GRANT EXECUTE ON FUNCTION token_create TO onramp_daemon;
