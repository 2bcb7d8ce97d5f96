-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION customer_list(p_after uuid, p_limit int)
RETURNS SETOF customer_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    v_after uuid := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
BEGIN
    RETURN QUERY SELECT * FROM customer_view WHERE id > v_after ORDER BY id LIMIT p_limit + 1;
END
$$;
COMMENT ON FUNCTION customer_list IS
    'List customers, by id, from after p_after on; one more than p_limit.';
GRANT EXECUTE ON FUNCTION customer_list TO onramp_daemon;
