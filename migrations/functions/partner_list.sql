-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION partner_list(p_after text, p_limit int)
RETURNS SETOF partner_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    v_after text COLLATE "C" := coalesce(p_after, '');
BEGIN
    RETURN QUERY SELECT * FROM partner_view WHERE name > v_after ORDER BY name LIMIT p_limit + 1;
END
$$;
COMMENT ON FUNCTION partner_list IS
    'List partners, by name, from after p_after on; one more than p_limit.';
GRANT EXECUTE ON FUNCTION partner_list TO onramp_daemon;
