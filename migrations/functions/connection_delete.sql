-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION connection_delete(p_caller caller, p_id uuid, p_customer uuid)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
    f record;
    v_circuit uuid;
    v_vnet uuid;
    v_actor text;
BEGIN
    -- Circuit, VNet, connection: the order in which connecting takes them.
    SELECT circuit_id, vnet_id INTO v_circuit, v_vnet FROM connections WHERE id = p_id;
    PERFORM FROM circuits WHERE id = v_circuit FOR NO KEY UPDATE;
    PERFORM FROM vnets WHERE id = v_vnet FOR NO KEY UPDATE;
    SELECT * INTO STRICT f FROM connection_delete_facts(p_id, p_customer);
    r := f.verdict;
    IF r.outcome = 'ok' THEN
        v_actor := set_config('onramp.actor', p_caller.role || ':' || p_caller.actor, true);
        DELETE FROM connections WHERE id = p_id;
        IF f.shared THEN
            INSERT INTO acts_of_vnet_owners (circuit_id, sequence, customer_id)
            SELECT v_circuit, last_sequence, p_customer FROM circuits WHERE id = v_circuit;
        END IF;
    END IF;
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION connection_delete IS 'Disconnect a VNet; either side may.';
GRANT EXECUTE ON FUNCTION connection_delete TO onramp_daemon;
