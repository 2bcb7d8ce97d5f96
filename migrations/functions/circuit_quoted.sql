-- SPDX-License-Identifier: Apache-2.0
-- Internal: the caller holds the circuit's lock, and its key has not been quoted yet.
CREATE OR REPLACE FUNCTION circuit_quoted(p_id uuid, p_role text, p_actor text)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
BEGIN
    WITH circuit AS (
        UPDATE circuits
        SET key_quoted_at = v_now, last_sequence = last_sequence + 1,
            previous_status = provider_status, updated_at = v_now
        WHERE id = p_id
        RETURNING id, last_sequence, provider_status)
    INSERT INTO circuit_events
        (circuit_id, sequence, at, type, from_status, to_status, actor_role, actor_name, reason)
    SELECT id, last_sequence, v_now, 'circuit.updated', provider_status, provider_status,
           p_role, p_actor, 'The partner quoted the service key.'
    FROM circuit;
END
$$;
COMMENT ON FUNCTION circuit_quoted IS
    'Note that the partner has quoted the service key, with the event.';
