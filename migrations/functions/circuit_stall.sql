-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION circuit_stall(p_limit int)
RETURNS TABLE (outcome text, facts jsonb, done bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
BEGIN
    -- What is locked is being changed by somebody: the next round sees what came of it.
    WITH late AS MATERIALIZED (
        SELECT id FROM circuits
        WHERE waiting_on = 'partner' AND NOT stalled AND due_at < v_now
        ORDER BY due_at LIMIT p_limit
        FOR NO KEY UPDATE SKIP LOCKED),
    circuit AS (
        UPDATE circuits c
        SET stalled = true, last_sequence = last_sequence + 1, previous_status = provider_status,
            updated_at = v_now
        FROM late WHERE c.id = late.id
        RETURNING c.id, c.last_sequence, c.provider_status)
    INSERT INTO circuit_events
        (circuit_id, sequence, at, type, from_status, to_status, actor_role, actor_name)
    SELECT id, last_sequence, v_now, 'circuit.stalled', provider_status, provider_status,
           'system', 'onramp'
    FROM circuit;
    GET DIAGNOSTICS done = ROW_COUNT;
    outcome := 'ok';
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION circuit_stall IS
    'Mark circuits whose partner has let the deadline pass, p_limit at most.';
GRANT EXECUTE ON FUNCTION circuit_stall TO onramp_daemon;
