-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION customer_get(p_id uuid)
RETURNS SETOF customer_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r customer_view;
BEGIN
    RETURN QUERY SELECT * FROM customer_view WHERE id = p_id;
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
    END IF;
END
$$;
COMMENT ON FUNCTION customer_get IS
    'Read a customer. No route of its own; what is said about a customer that is not there is 404.';
GRANT EXECUTE ON FUNCTION customer_get TO onramp_daemon;
