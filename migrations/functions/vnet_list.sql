-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION vnet_list(p_customer uuid, p_after uuid, p_limit int,
                                     p_customer_filter uuid)
RETURNS SETOF vnet_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    v_after uuid := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
    v_customer uuid := coalesce(p_customer, p_customer_filter);
BEGIN
    IF v_customer <> p_customer_filter THEN
        RETURN;
    ELSIF v_customer IS NOT NULL THEN
        RETURN QUERY SELECT * FROM vnet_view WHERE customer_id = v_customer AND id > v_after
        ORDER BY id LIMIT p_limit + 1;
    ELSE
        RETURN QUERY SELECT * FROM vnet_view WHERE id > v_after ORDER BY id LIMIT p_limit + 1;
    END IF;
END
$$;
COMMENT ON FUNCTION vnet_list IS 'List VNets, by id, from after p_after on; one more than p_limit.';
GRANT EXECUTE ON FUNCTION vnet_list TO onramp_daemon;
