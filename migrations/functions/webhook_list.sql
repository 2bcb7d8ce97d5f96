-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION webhook_list(p_after uuid, p_limit int, p_role text, p_customer uuid,
                                        p_partner text)
RETURNS SETOF webhook_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT v.* FROM webhook_endpoints w JOIN webhook_view v ON v.id = w.id
    WHERE w.deleted_at IS NULL
          AND w.owner = p_role || ':' || coalesce(p_customer::text, p_partner, '')
          AND w.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
    ORDER BY w.id LIMIT p_limit + 1;
END
$$;
COMMENT ON FUNCTION webhook_list IS
    'List the caller''s webhook endpoints, by id, from after p_after on; one more than p_limit.';
GRANT EXECUTE ON FUNCTION webhook_list TO onramp_daemon;
