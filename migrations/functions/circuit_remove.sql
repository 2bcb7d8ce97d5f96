-- SPDX-License-Identifier: Apache-2.0
-- Internal: the caller holds the circuit's lock and has found nothing in the way.
CREATE OR REPLACE FUNCTION circuit_remove(p_id uuid, p_role text, p_actor text)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
BEGIN
    WITH circuit AS (
        UPDATE circuits
        SET deleted_at = v_now, last_sequence = last_sequence + 1,
            previous_status = provider_status, updated_at = v_now,
            deprovision_requested_at = NULL, delete_when_deprovisioned = false
        WHERE id = p_id
        RETURNING id, last_sequence, provider_status)
    INSERT INTO circuit_events
        (circuit_id, sequence, at, type, from_status, to_status, actor_role, actor_name)
    SELECT id, last_sequence, v_now, 'circuit.deleted', provider_status, provider_status,
           p_role, p_actor
    FROM circuit;
END
$$;
COMMENT ON FUNCTION circuit_remove IS 'Mark a circuit deleted, with its event.';
