-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION circuit_stall(p_limit int)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
    v_now timestamptz := clock_timestamp();
    v_silent_since timestamptz := v_now - (SELECT partner_patience FROM settings);
    v_late uuid[];
    v_stalled bigint;
BEGIN
    v_late := ARRAY(
        (SELECT id FROM circuits
         WHERE waiting_on = 'partner' AND NOT stalled AND due_at IS NOT NULL AND deleted_at IS NULL
               AND due_at < v_now
         ORDER BY due_at LIMIT p_limit)
        UNION ALL
        (SELECT id FROM circuits
         WHERE waiting_on = 'partner' AND NOT stalled AND due_at IS NULL AND deleted_at IS NULL
               AND since < v_silent_since
         ORDER BY since LIMIT p_limit)
        LIMIT p_limit);

    -- What is locked is being changed by somebody: the next round sees what came of it.
    WITH late AS MATERIALIZED (
        SELECT id FROM circuits
        WHERE id = ANY (v_late) AND waiting_on = 'partner' AND NOT stalled AND deleted_at IS NULL
              AND CASE WHEN due_at IS NOT NULL THEN due_at < v_now ELSE since < v_silent_since END
        ORDER BY id
        FOR NO KEY UPDATE SKIP LOCKED),
    circuit AS (
        UPDATE circuits c
        SET stalled = true, last_sequence = last_sequence + 1, previous_status = provider_status,
            updated_at = v_now
        FROM late WHERE c.id = late.id
        RETURNING c.id, c.last_sequence, c.provider_status)
    INSERT INTO circuit_events (circuit_id, sequence, at, type, from_status, to_status, actor_role, actor_name)
    SELECT id, last_sequence, v_now, 'circuit.stalled', provider_status, provider_status, 'system', 'onramp'
    FROM circuit;
    GET DIAGNOSTICS v_stalled = ROW_COUNT;

    r.outcome := 'ok';
    r.facts := jsonb_build_object('stalled', v_stalled);
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION circuit_stall IS 'Mark circuits whose partner has let the deadline pass, p_limit at most.';
GRANT EXECUTE ON FUNCTION circuit_stall TO onramp_daemon;
