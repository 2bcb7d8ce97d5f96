-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION circuit_delete(p_id uuid, p_customer uuid, p_role text, p_actor text)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
    c circuits%ROWTYPE;
    v_blockers jsonb;
BEGIN
    SELECT * INTO c FROM circuits
    WHERE id = p_id AND deleted_at IS NULL AND (p_customer IS NULL OR customer_id = p_customer)
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;

    SELECT jsonb_agg(jsonb_build_object('type', type, 'id', id, 'detail', detail) ORDER BY rank, id)
    INTO v_blockers
    FROM (SELECT 1 AS rank, 'provider_status' AS type, NULL::uuid AS id,
                 format('The circuit is %s; have it deprovisioned first.', c.provider_status)
                     AS detail
          WHERE c.provider_status <> 'NotProvisioned'
          UNION ALL
          SELECT 2, 'connection', k.id, 'A VNet is connected; delete the connection first.'
          FROM connections k WHERE k.circuit_id = p_id
          UNION ALL
          SELECT 3, 'authorization', a.id, 'An authorization exists; delete it first.'
          FROM authorizations a WHERE a.circuit_id = p_id) AS blocker;
    IF v_blockers IS NOT NULL THEN
        r.outcome := 'circuit_in_use';
        r.facts := jsonb_build_object(
            'detail', 'Clear every blocker, then delete the circuit again.',
            'providerStatus', c.provider_status,
            'blockers', v_blockers);
        RETURN NEXT r;
        RETURN;
    END IF;

    PERFORM circuit_remove(p_id, p_role, p_actor);
    r.outcome := 'ok';
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION circuit_delete IS
    'Delete a circuit that is not provisioned and that nothing hangs on, or name every blocker.';
GRANT EXECUTE ON FUNCTION circuit_delete TO onramp_daemon;
