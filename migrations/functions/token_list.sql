-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION token_list(p_after uuid, p_limit int, p_caller_role text,
                                      p_caller_customer uuid, p_caller_partner text)
RETURNS SETOF token_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    v_after uuid := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
BEGIN
    -- One statement a role, each with an index of its own.
    CASE p_caller_role
        WHEN 'operator' THEN
            RETURN QUERY SELECT v.* FROM tokens t JOIN token_view v ON v.id = t.id
            WHERE t.id > v_after AND t.revoked_at IS NULL
            ORDER BY t.id NULLS FIRST LIMIT p_limit + 1;
        WHEN 'customer' THEN
            RETURN QUERY SELECT v.* FROM tokens t JOIN token_view v ON v.id = t.id
            WHERE t.customer_id = p_caller_customer AND t.id > v_after AND t.revoked_at IS NULL
            ORDER BY t.id LIMIT p_limit + 1;
        WHEN 'partner' THEN
            RETURN QUERY SELECT v.* FROM tokens t JOIN token_view v ON v.id = t.id
            WHERE t.partner = p_caller_partner AND t.id > v_after AND t.revoked_at IS NULL
            ORDER BY t.id LIMIT p_limit + 1;
    END CASE;
END
$$;
COMMENT ON FUNCTION token_list IS
    'List the tokens that the caller may see, by id, from after p_after on; one more than p_limit.';
GRANT EXECUTE ON FUNCTION token_list TO onramp_daemon;
