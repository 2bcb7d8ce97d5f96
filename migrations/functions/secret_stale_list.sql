-- SPDX-License-Identifier: Apache-2.0
-- In order of id behind p_after. Those that somebody else has locked are left out: whoever seals
-- looks again until there are none.
CREATE OR REPLACE FUNCTION secret_stale_list(p_kind text, p_key_id text, p_after uuid, p_limit int)
RETURNS SETOF sealed_secret_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
BEGIN
    CASE p_kind
        WHEN 'callback' THEN
            RETURN QUERY
            SELECT 'ok', NULL::jsonb, s.id, 'callback:' || s.partner, s.secret
            FROM callback_secrets s
            WHERE s.key_id <> p_key_id AND (p_after IS NULL OR s.id > p_after)
            ORDER BY s.id LIMIT p_limit
            FOR NO KEY UPDATE SKIP LOCKED;
        WHEN 'webhook' THEN
            RETURN QUERY
            SELECT 'ok', NULL::jsonb, s.id, 'webhook:' || w.owner, s.secret
            FROM webhook_secrets s JOIN webhook_endpoints w ON w.id = s.endpoint_id
            WHERE s.key_id <> p_key_id AND (p_after IS NULL OR s.id > p_after)
            ORDER BY s.id LIMIT p_limit
            FOR NO KEY UPDATE OF s SKIP LOCKED;
    END CASE;
END
$$;
COMMENT ON FUNCTION secret_stale_list IS
    'Secrets of a kind that are not sealed with that key, locked, for '
    'secret_reseal.';
GRANT EXECUTE ON FUNCTION secret_stale_list TO onramp_daemon;
