-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION peering_location_list(p_after text, p_limit int)
RETURNS SETOF peering_location_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    v_after text COLLATE "C" := coalesce(p_after, '');
BEGIN
    RETURN QUERY SELECT * FROM peering_location_view WHERE name > v_after
        ORDER BY name LIMIT p_limit + 1;
END
$$;
COMMENT ON FUNCTION peering_location_list IS
    'List peering locations, by name, from after p_after on; one more than p_limit.';
GRANT EXECUTE ON FUNCTION peering_location_list TO onramp_daemon;
