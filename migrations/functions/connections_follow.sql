-- SPDX-License-Identifier: Apache-2.0
-- Internal: after a circuit went up (Provisioned and Enabled) or down, one event for each of its
-- connections. The caller holds the circuit's lock.
CREATE OR REPLACE FUNCTION connections_follow(p_circuit uuid, p_up boolean, p_role text,
                                              p_actor text)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp AS $$
BEGIN
    -- Rows one by one: each event moves the circuit to the number that the next one counts from.
    INSERT INTO circuit_events (circuit_id, sequence, type, from_status, to_status, connection_id,
                                vnet_customer_id, actor_role, actor_name)
    SELECT c.id, c.last_sequence + row_number() OVER (ORDER BY k.id),
           CASE WHEN p_up THEN 'connection.up' ELSE 'connection.down' END,
           c.provider_status, c.provider_status, k.id,
           nullif(k.vnet_customer_id, k.circuit_customer_id), p_role, p_actor
    FROM circuits c JOIN connections k ON k.circuit_id = c.id
    WHERE c.id = p_circuit
    ORDER BY k.id;
END
$$;
COMMENT ON FUNCTION connections_follow IS
    'Write connection.up or connection.down for each connection of a circuit.';
