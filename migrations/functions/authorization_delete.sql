-- SPDX-License-Identifier: Apache-2.0
-- Revoking takes the connection that was made by it along. Circuit, VNet, connection: the order in
-- which connecting takes them.
CREATE OR REPLACE FUNCTION authorization_delete(p_caller caller, p_circuit uuid, p_customer uuid,
    p_id uuid)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
    v_connection uuid;
    v_vnet uuid;
    v_actor text;
BEGIN
    r.outcome := 'not_found';
    PERFORM FROM circuit_lock(p_circuit, p_customer);
    IF FOUND AND EXISTS (SELECT FROM authorizations WHERE circuit_id = p_circuit AND id = p_id) THEN
        SELECT id, vnet_id INTO v_connection, v_vnet FROM connections WHERE authorization_id = p_id;
        IF FOUND THEN
            PERFORM FROM vnets WHERE id = v_vnet FOR NO KEY UPDATE;
            v_actor := set_config('onramp.actor', p_caller.role || ':' || p_caller.actor, true);
            DELETE FROM connections WHERE id = v_connection;
        END IF;
        DELETE FROM authorizations WHERE id = p_id;
        r.outcome := 'ok';
    END IF;
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION authorization_delete IS
    'Revoke an authorization, and disconnect the VNet that uses it.';
GRANT EXECUTE ON FUNCTION authorization_delete TO onramp_daemon;
