-- SPDX-License-Identifier: Apache-2.0
-- Both rows are locked before anything is decided, the circuit first, so what is read here stays
-- true; the trigger A_connection_counted then writes both. Where this function is wrong the
-- constraints say so, as an error. The circuit is named by its owner, or by the key of an
-- authorization: then its id, its owner and its state are not told.
CREATE OR REPLACE FUNCTION connection_create(p_caller caller, p_customer uuid, p_circuit uuid,
                                             p_vnet uuid, p_authorization_key text DEFAULT NULL)
RETURNS SETOF connection_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r connection_view;
    f record;
    v_actor text;
BEGIN
    IF p_authorization_key IS NULL THEN
        PERFORM FROM circuits
        WHERE id = p_circuit AND customer_id = p_customer AND deleted_at IS NULL
        FOR NO KEY UPDATE;
    ELSE
        -- Revoking takes the circuit's lock too.
        PERFORM FROM circuits
        WHERE id = (SELECT circuit_id FROM authorizations
            WHERE authorization_key = p_authorization_key)
        FOR NO KEY UPDATE;
    END IF;
    PERFORM FROM vnets WHERE id = p_vnet AND customer_id = p_customer FOR NO KEY UPDATE;
    SELECT * INTO STRICT f
    FROM connection_create_facts(p_customer, p_circuit, p_vnet, p_authorization_key);
    IF (f.verdict).outcome <> 'ok' THEN
        r.outcome := (f.verdict).outcome;
        r.facts := (f.verdict).facts;
        RETURN NEXT r;
        RETURN;
    END IF;

    -- For the event that the trigger writes.
    v_actor := set_config('onramp.actor', p_caller.role || ':' || p_caller.actor, true);
    INSERT INTO connections (circuit_id, vnet_id, circuit_customer_id, vnet_customer_id,
        authorization_id)
    VALUES ((f.circuit).id, p_vnet, (f.circuit).customer_id, p_customer, f.authorization_id)
    RETURNING id, CASE WHEN NOT f.shared THEN circuit_id END, vnet_id, authorization_id, created_at
    INTO r.id, r.circuit_id, r.vnet_id, r.authorization_id, r.created_at;
    IF f.shared THEN
        INSERT INTO acts_of_vnet_owners (circuit_id, sequence, customer_id)
        VALUES ((f.circuit).id, (f.circuit).last_sequence + 1, p_customer);
    END IF;
    r.outcome := 'ok';
    r.status := 'Connected';
    r.address_space := to_jsonb((f.vnet).address_space);
    r.peering_location := (f.circuit).peering_location;
    r.bandwidth_mbps := (f.circuit).bandwidth_mbps;
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION connection_create
    IS 'Connect a VNet to a circuit of the same customer, or to one that an authorization opens.';
GRANT EXECUTE ON FUNCTION connection_create TO onramp_daemon;
