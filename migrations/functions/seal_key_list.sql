-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION seal_key_list()
RETURNS SETOF seal_key_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM seal_key_view ORDER BY id;
END
$$;
COMMENT ON FUNCTION seal_key_list IS 'The keys that secrets are sealed with here, by their ids.';
GRANT EXECUTE ON FUNCTION seal_key_list TO onramp_daemon;
