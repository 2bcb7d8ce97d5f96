-- SPDX-License-Identifier: Apache-2.0
-- p_delete null leaves what is there: not to be deleted, the first time.
CREATE OR REPLACE FUNCTION circuit_deprovision_request(p_caller caller, p_id uuid, p_customer uuid,
    p_delete boolean)
RETURNS SETOF circuit_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r circuit_view;
    c circuits%ROWTYPE;
    v_delete boolean;
    v_blockers jsonb;
    v_now timestamptz;
BEGIN
    SELECT * INTO c FROM circuit_lock(p_id, p_customer);
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;
    IF c.provider_status NOT IN ('Provisioning', 'Provisioned') THEN
        r.outcome := 'nothing_to_deprovision';
        r.facts := jsonb_build_object(
            'detail', CASE c.provider_status
                WHEN 'Deprovisioning' THEN 'The partner is tearing the circuit down already; wait '
                    'until it has done so.'
                ELSE 'The circuit is not provisioned; delete it when it is not needed.' END,
            'providerStatus', c.provider_status);
        RETURN NEXT r;
        RETURN;
    END IF;

    v_delete := coalesce(p_delete, c.delete_when_deprovisioned);
    IF v_delete THEN
        v_blockers := circuit_blockers(p_id);
        IF v_blockers IS NOT NULL THEN
            r.outcome := 'circuit_in_use';
            r.facts := v_blockers || jsonb_build_object(
                'detail', 'What is to be deleted has to be empty: clear every blocker, or ask '
                    'without deleteWhenDeprovisioned.',
                'providerStatus', c.provider_status);
            RETURN NEXT r;
            RETURN;
        END IF;
    END IF;

    IF c.deprovision_requested_at IS NULL OR c.delete_when_deprovisioned <> v_delete THEN
        v_now := clock_timestamp();
        WITH circuit AS (
            UPDATE circuits
            SET deprovision_requested_at = coalesce(c.deprovision_requested_at, v_now),
                delete_when_deprovisioned = v_delete, last_sequence = last_sequence + 1,
                previous_status = provider_status, updated_at = v_now
            WHERE id = p_id
            RETURNING id, last_sequence, provider_status)
        INSERT INTO circuit_events (circuit_id, sequence, at, type, from_status, to_status,
                                    actor_role, actor_name, reason)
        SELECT id, last_sequence, v_now,
               CASE WHEN c.deprovision_requested_at IS NULL THEN 'circuit.deprovision_requested'
                    ELSE 'circuit.updated' END,
               provider_status, provider_status, p_caller.role, p_caller.actor,
               CASE WHEN c.deprovision_requested_at IS NOT NULL THEN
                   CASE WHEN v_delete THEN 'The circuit will be deleted when it is deprovisioned.'
                        ELSE 'The circuit will be kept when it is deprovisioned.' END
               END
        FROM circuit;
    END IF;
    RETURN QUERY SELECT * FROM circuit_view WHERE id = p_id;
END
$$;
COMMENT ON FUNCTION circuit_deprovision_request IS
    'Ask the partner to tear a circuit down, and say whether it is deleted then.';
GRANT EXECUTE ON FUNCTION circuit_deprovision_request TO onramp_daemon;
