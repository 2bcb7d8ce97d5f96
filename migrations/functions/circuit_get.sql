-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION circuit_get(p_id uuid, p_customer uuid)
RETURNS SETOF circuit_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r circuit_view;
BEGIN
    RETURN QUERY SELECT * FROM circuit_view
    WHERE id = p_id AND (p_customer IS NULL OR (customer_id = p_customer AND deleted_at IS NULL));
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
    END IF;
END
$$;
COMMENT ON FUNCTION circuit_get IS
    'Read a circuit. Operators (p_customer null) read deleted ones too.';
GRANT EXECUTE ON FUNCTION circuit_get TO onramp_daemon;
