-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION partner_get(p_name text)
RETURNS SETOF partner_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r partner_view;
BEGIN
    RETURN QUERY SELECT * FROM partner_view WHERE name = p_name;
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
    END IF;
END
$$;
COMMENT ON FUNCTION partner_get IS 'Read a partner.';
GRANT EXECUTE ON FUNCTION partner_get TO onramp_daemon;
