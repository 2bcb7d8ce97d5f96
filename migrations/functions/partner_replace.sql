-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION partner_replace(p_caller caller, p_partner text, p_display_name text,
                                           p_offers jsonb, p_name text)
RETURNS SETOF partner_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r partner_view;
    v_errors jsonb;
BEGIN
    PERFORM FROM partners WHERE name = p_partner FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;
    -- PUT carries the whole resource, its name too, which is the key and stays.
    IF p_name <> p_partner THEN
        r.outcome := 'immutable_field';
        r.facts := jsonb_build_object('errors', jsonb_build_array(jsonb_build_object(
            'pointer', '/name', 'code', 'invalid_value',
            'detail', 'The name of a partner cannot change; '
                      'leave it out, or repeat the one in the path.')));
        RETURN NEXT r;
        RETURN;
    END IF;
    v_errors := offers_set(p_partner, p_offers);
    IF v_errors IS NOT NULL THEN
        r.outcome := 'invalid_request';
        r.facts := jsonb_build_object('errors', v_errors);
        RETURN NEXT r;
        RETURN;
    END IF;
    UPDATE partners SET display_name = p_display_name, updated_at = clock_timestamp()
    WHERE name = p_partner;
    RETURN QUERY SELECT * FROM partner_view WHERE name = p_partner;
END
$$;
COMMENT ON FUNCTION partner_replace IS
    'Replace a partner''s display name and offers; circuits keep what they were ordered with.';
GRANT EXECUTE ON FUNCTION partner_replace TO onramp_daemon;
