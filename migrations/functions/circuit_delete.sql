-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION circuit_delete(p_caller caller, p_id uuid, p_customer uuid)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
    c circuits%ROWTYPE;
    v_blockers jsonb;
    v_status jsonb;
BEGIN
    SELECT * INTO c FROM circuit_lock(p_id, p_customer);
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;

    v_blockers := circuit_blockers(p_id);
    IF c.provider_status <> 'NotProvisioned' THEN
        v_status := jsonb_build_array(jsonb_build_object('type', 'provider_status', 'id', NULL,
            'detail', format('The circuit is %s; have it deprovisioned first.', c.provider_status)));
        v_blockers := coalesce(v_blockers, '{}')
            || jsonb_build_object('blockers', v_status || coalesce(v_blockers -> 'blockers', '[]'));
    END IF;
    IF v_blockers IS NOT NULL THEN
        r.outcome := 'circuit_in_use';
        r.facts := v_blockers || jsonb_build_object(
            'detail', 'Clear every blocker, then delete the circuit again.',
            'providerStatus', c.provider_status);
        RETURN NEXT r;
        RETURN;
    END IF;

    PERFORM circuit_remove(p_id, p_caller.role, p_caller.actor);
    r.outcome := 'ok';
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION circuit_delete IS
    'Delete a circuit that is not provisioned and that nothing hangs on, or name the blockers.';
GRANT EXECUTE ON FUNCTION circuit_delete TO onramp_daemon;
