-- SPDX-License-Identifier: Apache-2.0
-- The operator alone; its connections go down, or come up, with it.
CREATE OR REPLACE FUNCTION circuit_status_set(p_caller caller, p_id uuid, p_circuit_status text,
                                              p_reason text)
RETURNS SETOF circuit_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r circuit_view;
    c circuits%ROWTYPE;
    v_now timestamptz;
BEGIN
    SELECT * INTO c FROM circuit_lock(p_id, NULL);
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;
    IF c.circuit_status <> p_circuit_status THEN
        v_now := clock_timestamp();
        WITH circuit AS (
            UPDATE circuits
            SET circuit_status = p_circuit_status, last_sequence = last_sequence + 1,
                previous_status = provider_status, updated_at = v_now
            WHERE id = p_id
            RETURNING id, last_sequence, provider_status)
        INSERT INTO circuit_events (circuit_id, sequence, at, type, from_status, to_status,
                                    actor_role, actor_name, reason)
        SELECT id, last_sequence, v_now,
               CASE p_circuit_status WHEN 'Disabled' THEN 'circuit.disabled' ELSE 'circuit.enabled'
                   END,
               provider_status, provider_status, p_caller.role, p_caller.actor, p_reason
        FROM circuit;
        IF c.used > 0 AND c.provider_status = 'Provisioned' THEN
            PERFORM connections_follow(p_id, p_circuit_status = 'Enabled', p_caller.role, p_caller.actor);
        END IF;
    END IF;
    RETURN QUERY SELECT * FROM circuit_view WHERE id = p_id;
END
$$;
COMMENT ON FUNCTION circuit_status_set IS 'Disable or enable a circuit, with a reason.';
GRANT EXECUTE ON FUNCTION circuit_status_set TO onramp_daemon;
