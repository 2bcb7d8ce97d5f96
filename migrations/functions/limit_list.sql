-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION limit_list(p_customer uuid, p_after text, p_limit int,
    p_customer_filter uuid)
RETURNS SETOF limit_shown
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
BEGIN
    IF p_customer <> p_customer_filter
       OR (p_customer_filter IS NOT NULL AND NOT EXISTS (SELECT FROM customers
           WHERE id = p_customer_filter))
    THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM limits_shown(coalesce(p_customer, p_customer_filter)) AS l
    WHERE l.name COLLATE "C" > coalesce(p_after, '')
    ORDER BY l.name COLLATE "C" LIMIT p_limit + 1;
END
$$;
COMMENT ON FUNCTION limit_list IS
    'List quotas with what is used of them, by name, from after p_after on; one more than p_limit.';
GRANT EXECUTE ON FUNCTION limit_list TO onramp_daemon;
