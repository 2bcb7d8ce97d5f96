-- SPDX-License-Identifier: Apache-2.0
-- Internal: what disconnecting is decided by, with the verdict: as connection_create_facts, behind the
-- locks of circuit and VNet.
CREATE OR REPLACE FUNCTION connection_delete_facts(p_id uuid, p_customer uuid)
RETURNS TABLE (verdict onramp.verdict, connection onramp.connections, shared boolean)
LANGUAGE sql STABLE AS $$
    SELECT onramp.connection_delete_verdict(k, p_customer), k,
           coalesce(p_customer <> k.circuit_customer_id, false)
    FROM (SELECT) AS request
    LEFT JOIN onramp.connections k ON k.id = p_id
$$;
COMMENT ON FUNCTION connection_delete_facts IS
    'What is found of a connection that is to be deleted, and the verdict.';
