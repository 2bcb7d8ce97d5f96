-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION circuit_event_list(p_id uuid, p_customer uuid, p_after bigint,
                                              p_limit int)
RETURNS SETOF event_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r event_view;
BEGIN
    PERFORM FROM circuits
    WHERE id = p_id AND (p_customer IS NULL OR (customer_id = p_customer AND deleted_at IS NULL));
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM event_view
    WHERE circuit_id = p_id AND sequence > coalesce(p_after, 0)
    ORDER BY sequence LIMIT p_limit + 1;
END
$$;
COMMENT ON FUNCTION circuit_event_list IS
    'List a circuit''s history, by sequence, from after p_after on; one more than p_limit.';
GRANT EXECUTE ON FUNCTION circuit_event_list TO onramp_daemon;
