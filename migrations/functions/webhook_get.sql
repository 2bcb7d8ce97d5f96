-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION webhook_get(p_id uuid, p_role text, p_customer uuid, p_partner text)
RETURNS SETOF webhook_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r webhook_view;
BEGIN
    RETURN QUERY SELECT v.* FROM webhook_endpoints w JOIN webhook_view v ON v.id = w.id
    WHERE w.id = p_id AND w.deleted_at IS NULL
          AND w.owner = p_role || ':' || coalesce(p_customer::text, p_partner, '');
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
    END IF;
END
$$;
COMMENT ON FUNCTION webhook_get IS 'Read a webhook endpoint of the caller''s.';
GRANT EXECUTE ON FUNCTION webhook_get TO onramp_daemon;
