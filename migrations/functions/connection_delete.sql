-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION connection_delete(p_caller caller, p_id uuid, p_customer uuid)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
    v_circuit uuid;
    v_vnet uuid;
    v_actor text;
    v_shared boolean;
BEGIN
    SELECT circuit_id, vnet_id, circuit_customer_id <> p_customer INTO v_circuit, v_vnet, v_shared
    FROM connections
    WHERE id = p_id AND (p_customer IS NULL OR p_customer IN (circuit_customer_id,
        vnet_customer_id));
    IF FOUND THEN
        -- Circuit, VNet, connection: the order in which connecting takes them.
        PERFORM FROM circuits WHERE id = v_circuit FOR NO KEY UPDATE;
        PERFORM FROM vnets WHERE id = v_vnet FOR NO KEY UPDATE;
        v_actor := set_config('onramp.actor', p_caller.role || ':' || p_caller.actor, true);
        DELETE FROM connections WHERE id = p_id;
    END IF;
    r.outcome := CASE WHEN FOUND THEN 'ok' ELSE 'not_found' END;
    IF r.outcome = 'ok' AND v_shared THEN
        INSERT INTO acts_of_vnet_owners (circuit_id, sequence, customer_id)
        SELECT v_circuit, last_sequence, p_customer FROM circuits WHERE id = v_circuit;
    END IF;
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION connection_delete IS 'Disconnect a VNet; either side may.';
GRANT EXECUTE ON FUNCTION connection_delete TO onramp_daemon;
