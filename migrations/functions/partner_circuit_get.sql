-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION partner_circuit_get(p_partner text, p_id uuid)
RETURNS SETOF partner_circuit_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r partner_circuit_view;
BEGIN
    RETURN QUERY SELECT v.* FROM circuits c JOIN partner_circuit_view v ON v.id = c.id
    WHERE c.id = p_id AND c.partner = p_partner AND c.shown_as <> '' AND c.deleted_at IS NULL;
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
    END IF;
END
$$;
COMMENT ON FUNCTION partner_circuit_get IS 'Read a circuit whose key the partner has quoted.';
GRANT EXECUTE ON FUNCTION partner_circuit_get TO onramp_daemon;
