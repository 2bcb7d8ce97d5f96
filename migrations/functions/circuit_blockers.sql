-- SPDX-License-Identifier: Apache-2.0
-- Internal. What hangs on a circuit, each with what to do about it; null: nothing.
CREATE OR REPLACE FUNCTION circuit_blockers(p_id uuid)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp AS $$
BEGIN
    RETURN (SELECT jsonb_agg(jsonb_build_object('type', type, 'id', id, 'detail', detail)
        ORDER BY rank, id)
            FROM (SELECT 1 AS rank, 'connection' AS type, k.id,
                         'A VNet is connected; delete the connection first.' AS detail
                  FROM connections k WHERE k.circuit_id = p_id
                  UNION ALL
                  SELECT 2, 'authorization', a.id, 'An authorization exists; delete it first.'
                  FROM authorizations a WHERE a.circuit_id = p_id) AS blocker);
END
$$;
COMMENT ON FUNCTION circuit_blockers IS
    'The connections and authorizations of a circuit, as facts of a refusal.';
