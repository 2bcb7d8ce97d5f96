-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION vnet_get(p_id uuid, p_customer uuid)
RETURNS SETOF vnet_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r vnet_view;
BEGIN
    RETURN QUERY SELECT * FROM vnet_view
    WHERE id = p_id AND (p_customer IS NULL OR customer_id = p_customer);
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
    END IF;
END
$$;
COMMENT ON FUNCTION vnet_get IS 'Read a VNet; p_customer null: an operator.';
GRANT EXECUTE ON FUNCTION vnet_get TO onramp_daemon;
