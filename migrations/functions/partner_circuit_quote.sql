-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION partner_circuit_quote(p_caller caller, p_partner text,
    p_service_key uuid)
RETURNS SETOF partner_circuit_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r partner_circuit_view;
    c circuits%ROWTYPE;
BEGIN
    SELECT * INTO c FROM circuits
    WHERE service_key = p_service_key AND partner = p_partner AND deleted_at IS NULL
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        r.facts := jsonb_build_object('detail',
            'No circuit of this partner has this service key; check it with the customer.');
        RETURN NEXT r;
        RETURN;
    END IF;
    IF c.key_quoted_at IS NULL THEN
        PERFORM circuit_quoted(c.id, p_caller.role, p_caller.actor);
    END IF;
    RETURN QUERY SELECT * FROM partner_circuit_view WHERE id = c.id;
END
$$;
COMMENT ON FUNCTION partner_circuit_quote IS
    'A partner shows that it holds a service key; from then on it sees the circuit.';
GRANT EXECUTE ON FUNCTION partner_circuit_quote TO onramp_daemon;
