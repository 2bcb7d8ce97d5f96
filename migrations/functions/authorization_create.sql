-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION authorization_create(p_caller caller, p_circuit uuid, p_customer uuid,
    p_name text, p_authorization_key text)
RETURNS SETOF authorization_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r authorization_view;
    c circuits%ROWTYPE;
    v_id uuid;
BEGIN
    -- Locked: a circuit that is to be deleted, or is, gets none.
    SELECT * INTO c FROM circuit_lock(p_circuit, p_customer);
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;
    IF c.delete_when_deprovisioned THEN
        r.outcome := 'circuit_deprovision_requested';
        r.facts := jsonb_build_object('detail',
            'This circuit will be deleted once it is deprovisioned; withdraw that request first.');
        RETURN NEXT r;
        RETURN;
    END IF;
    r.facts := cap_refused('authorizations', 'circuit:' || p_circuit,
        'The circuit has %s of %s authorizations; delete one first.');
    IF r.facts IS NOT NULL THEN
        r.outcome := 'authorization_limit_reached';
        RETURN NEXT r;
        RETURN;
    END IF;
    INSERT INTO authorizations (customer_id, circuit_id, authorization_key, name)
    VALUES (p_customer, p_circuit, p_authorization_key, p_name)
    RETURNING id INTO v_id;
    RETURN QUERY SELECT * FROM authorization_view WHERE id = v_id;
END
$$;
COMMENT ON FUNCTION authorization_create IS
    'Let another customer''s VNet connect to a circuit, once at a time.';
GRANT EXECUTE ON FUNCTION authorization_create TO onramp_daemon;
