-- SPDX-License-Identifier: Apache-2.0
-- Newest first. Without a status the three lists are merged, so that each is read in the order of
-- the index.
CREATE OR REPLACE FUNCTION delivery_list(p_id uuid, p_role text, p_customer uuid, p_partner text,
                                         p_status text, p_before uuid, p_limit int)
RETURNS SETOF delivery_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r delivery_view;
    v_before uuid := coalesce(p_before, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    v_ids uuid[];
BEGIN
    PERFORM FROM webhook_endpoints
    WHERE id = p_id AND deleted_at IS NULL
          AND owner = p_role || ':' || coalesce(p_customer::text, p_partner, '');
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;
    v_ids := ARRAY(
        SELECT m.id FROM unnest(CASE WHEN p_status IS NULL
                                     THEN '{pending,delivered,exhausted}'::text[]
                                     ELSE ARRAY[p_status] END) AS wanted (status)
        CROSS JOIN LATERAL (
            SELECT d.id FROM deliveries d
            WHERE d.endpoint_id = p_id AND d.status = wanted.status AND d.id < v_before
            ORDER BY d.id DESC LIMIT p_limit + 1) AS m
        ORDER BY m.id DESC LIMIT p_limit + 1);
    RETURN QUERY SELECT v.* FROM unnest(v_ids) AS chosen (id) JOIN delivery_view v ON v.id = chosen.id
    ORDER BY v.id DESC;
END
$$;
COMMENT ON FUNCTION delivery_list IS
    'List the deliveries to a webhook endpoint of the caller''s, newest first, from before p_before '
    'on; one more than p_limit.';
GRANT EXECUTE ON FUNCTION delivery_list TO onramp_daemon;
