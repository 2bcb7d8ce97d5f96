-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION circuit_deprovision_withdraw(p_caller caller, p_id uuid, p_customer uuid)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
    c circuits%ROWTYPE;
    v_now timestamptz;
BEGIN
    SELECT * INTO c FROM circuit_lock(p_id, p_customer);
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;
    IF c.provider_status = 'Deprovisioning' THEN
        r.outcome := 'illegal_transition';
        r.facts := jsonb_build_object(
            'detail', 'The partner is tearing the circuit down; that can''t be withdrawn any more.',
            'providerStatus', c.provider_status);
        RETURN NEXT r;
        RETURN;
    END IF;
    IF c.deprovision_requested_at IS NULL THEN
        r.outcome := 'not_found';
        r.facts := jsonb_build_object('detail',
            'No request to deprovision this circuit is open; there is nothing to withdraw.');
        RETURN NEXT r;
        RETURN;
    END IF;

    v_now := clock_timestamp();
    WITH circuit AS (
        UPDATE circuits
        SET deprovision_requested_at = NULL, delete_when_deprovisioned = false,
            last_sequence = last_sequence + 1, previous_status = provider_status, updated_at = v_now
        WHERE id = p_id
        RETURNING id, last_sequence, provider_status)
    INSERT INTO circuit_events (circuit_id, sequence, at, type, from_status, to_status, actor_role,
        actor_name)
    SELECT id, last_sequence, v_now, 'circuit.deprovision_withdrawn', provider_status,
           provider_status, p_caller.role, p_caller.actor
    FROM circuit;
    r.outcome := 'ok';
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION circuit_deprovision_withdraw IS
    'Withdraw the request to tear a circuit down, while the partner has not begun.';
GRANT EXECUTE ON FUNCTION circuit_deprovision_withdraw TO onramp_daemon;
