-- SPDX-License-Identifier: Apache-2.0
-- The trigger a_service_key_is_replaced retires the old key. With a new key the partner starts
-- anew: it sees the circuit once it has quoted that key, and is then waited for.
CREATE OR REPLACE FUNCTION circuit_service_key_rotate(p_caller caller, p_id uuid, p_customer uuid)
RETURNS SETOF circuit_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r circuit_view;
    c circuits%ROWTYPE;
    v_now timestamptz;
BEGIN
    SELECT * INTO c FROM circuit_lock(p_id, p_customer);
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;
    IF c.provider_status <> 'NotProvisioned' THEN
        r.outcome := 'service_key_in_use';
        r.facts := jsonb_build_object(
            'detail', format('The circuit is %s; its key changes only while it is NotProvisioned.',
                c.provider_status),
            'providerStatus', c.provider_status);
        RETURN NEXT r;
        RETURN;
    END IF;

    v_now := clock_timestamp();
    WITH circuit AS (
        UPDATE circuits
        SET service_key = gen_random_uuid(), service_key_issued_at = v_now, key_quoted_at = NULL,
            returned = false, last_sequence = last_sequence + 1, previous_status = provider_status,
            updated_at = v_now
        WHERE id = p_id
        RETURNING id, last_sequence, provider_status)
    INSERT INTO circuit_events (circuit_id, sequence, at, type, from_status, to_status, actor_role,
        actor_name)
    SELECT id, last_sequence, v_now, 'circuit.service_key_rotated', provider_status,
           provider_status, p_caller.role, p_caller.actor
    FROM circuit;
    RETURN QUERY SELECT * FROM circuit_view WHERE id = p_id;
END
$$;
COMMENT ON FUNCTION circuit_service_key_rotate IS
    'Give a circuit that is not provisioned a new service key; the old one is void at once.';
GRANT EXECUTE ON FUNCTION circuit_service_key_rotate TO onramp_daemon;
