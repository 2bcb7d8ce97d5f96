-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION partner_create(p_caller caller, p_name text, p_display_name text,
                                          p_offers jsonb, p_secret text)
RETURNS SETOF partner_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r partner_view;
    v_errors jsonb;
BEGIN
    r.facts := seal_key_refused(p_secret);
    IF r.facts IS NOT NULL THEN
        r.outcome := 'unavailable';
        RETURN NEXT r;
        RETURN;
    END IF;
    INSERT INTO partners (name, display_name) VALUES (p_name, p_display_name)
    ON CONFLICT (name) DO NOTHING;
    IF NOT FOUND THEN
        r.outcome := 'partner_exists';
        r.facts := jsonb_build_object('detail',
            'This name is taken; choose another, or PUT the partner that has it.');
        RETURN NEXT r;
        RETURN;
    END IF;
    v_errors := offers_set(p_name, coalesce(p_offers, '[]'));
    IF v_errors IS NOT NULL THEN
        DELETE FROM partners WHERE name = p_name;
        r.outcome := 'invalid_request';
        r.facts := jsonb_build_object('errors', v_errors);
        RETURN NEXT r;
        RETURN;
    END IF;
    INSERT INTO callback_secrets (partner, secret) VALUES (p_name, p_secret);
    RETURN QUERY SELECT * FROM partner_view WHERE name = p_name;
END
$$;
COMMENT ON FUNCTION partner_create IS
    'Create a partner with its offers and its first callback secret.';
GRANT EXECUTE ON FUNCTION partner_create TO onramp_daemon;
