-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION authorization_list(p_circuit uuid, p_customer uuid, p_after uuid,
    p_limit int)
RETURNS SETOF authorization_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r authorization_view;
    v_page uuid[];
BEGIN
    PERFORM FROM circuits WHERE id = p_circuit AND customer_id = p_customer AND deleted_at IS NULL;
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;
    v_page := ARRAY(SELECT id FROM authorizations
        WHERE circuit_id = p_circuit AND id > coalesce(p_after,
            '00000000-0000-0000-0000-000000000000')
        ORDER BY id LIMIT p_limit + 1);
    RETURN QUERY SELECT * FROM authorization_view WHERE id = ANY (v_page) ORDER BY id;
END
$$;
COMMENT ON FUNCTION authorization_list IS
    'List a circuit''s authorizations, by id, from after p_after on; one more than p_limit.';
GRANT EXECUTE ON FUNCTION authorization_list TO onramp_daemon;
