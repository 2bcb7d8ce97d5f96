-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION token_check(p_key_id text)
RETURNS SETOF token_check_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT v.* FROM tokens t JOIN token_check_view v ON v.id = t.id
    WHERE t.key_id = p_key_id AND t.revoked_at IS NULL
          AND (t.expires_at IS NULL OR t.expires_at > clock_timestamp());
END
$$;
COMMENT ON FUNCTION token_check IS
    'A live token by its key id, with its digest and its holder''s name; no row: there is none.';
GRANT EXECUTE ON FUNCTION token_check TO onramp_daemon;
