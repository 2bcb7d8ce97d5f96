-- SPDX-License-Identifier: Apache-2.0
-- Internal. What hangs on a circuit, each with what to do about it: the first 20 of a kind, and how
-- many more there are, by the counters. Members blockers and, if there are more, more; null: nothing.
CREATE OR REPLACE FUNCTION circuit_blockers(p_id uuid)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp AS $$
BEGIN
    RETURN (
        WITH blocker AS (
            (SELECT 1 AS rank, 'connection' AS type, k.id,
                    'A VNet is connected; delete the connection first.' AS detail
             FROM connections k WHERE k.circuit_id = p_id ORDER BY k.id LIMIT 20)
            UNION ALL
            (SELECT 2, 'authorization', a.id, 'An authorization exists; delete it first.'
             FROM authorizations a WHERE a.circuit_id = p_id ORDER BY a.id LIMIT 20)),
        more AS (
            SELECT 'connection' AS type, used - 20 AS n FROM circuits WHERE id = p_id AND used > 20
            UNION ALL
            SELECT 'authorization', used - 20 FROM cap_counters
            WHERE kind = 'authorizations' AND owner = 'circuit:' || p_id AND used > 20)
        SELECT jsonb_build_object('blockers', jsonb_agg(
                   jsonb_build_object('type', type, 'id', id, 'detail', detail) ORDER BY rank, id))
               || coalesce((SELECT jsonb_build_object('more', jsonb_object_agg(type, n))
                            FROM more HAVING count(*) > 0), '{}')
        FROM blocker HAVING count(*) > 0);
END
$$;
COMMENT ON FUNCTION circuit_blockers IS
    'The connections and authorizations of a circuit, as facts of a refusal.';
