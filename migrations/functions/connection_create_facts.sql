-- SPDX-License-Identifier: Apache-2.0
-- Internal: what connecting is decided by, with the verdict. It is called by a statement of its own,
-- behind the locks of circuit and VNet: in the statement that takes them it would read what was there
-- before it waited. Without SET, so that PostgreSQL inlines it where it is called; OFFSET 0, so that each
-- row is looked up by itself.
CREATE OR REPLACE FUNCTION connection_create_facts(p_customer uuid, p_circuit uuid, p_vnet uuid,
                                                   p_authorization_key text)
RETURNS TABLE (verdict onramp.verdict, circuit onramp.circuits, vnet onramp.vnets,
               authorization_id uuid, shared boolean)
LANGUAGE sql STABLE AS $$
    SELECT onramp.connection_create_verdict(
               c.circuit, v.vnet, p_authorization_key IS NOT NULL, a.id,
               (c.circuit).customer_id <> p_customer,
               -- Asked only where it can be so.
               CASE WHEN (c.circuit).used > 0 AND (v.vnet).used > 0 THEN
                   EXISTS (SELECT FROM onramp.connections
                           WHERE circuit_id = (c.circuit).id AND vnet_id = p_vnet) END,
               CASE WHEN a.id IS NOT NULL THEN
                   EXISTS (SELECT FROM onramp.connections k WHERE k.authorization_id = a.id) END,
               CASE WHEN (c.circuit).used > 0 THEN
                   (SELECT space.prefix
                    FROM onramp.circuit_prefixes p
                    JOIN unnest((v.vnet).address_space) AS space (prefix)
                        ON space.prefix && p.prefix
                    WHERE p.circuit_id = (c.circuit).id
                    LIMIT 1) END),
           c.circuit, v.vnet, a.id, (c.circuit).customer_id <> p_customer
    FROM (SELECT) AS request
    LEFT JOIN LATERAL (
        SELECT id, circuit_id FROM onramp.authorizations
        WHERE authorization_key = p_authorization_key OFFSET 0) AS a ON true
    LEFT JOIN LATERAL (
        SELECT circuits AS circuit FROM onramp.circuits
        WHERE id = CASE WHEN p_authorization_key IS NULL THEN p_circuit ELSE a.circuit_id END
              AND (customer_id = p_customer OR p_authorization_key IS NOT NULL)
              AND deleted_at IS NULL
        OFFSET 0) AS c ON true
    LEFT JOIN LATERAL (
        SELECT vnets AS vnet FROM onramp.vnets
        WHERE id = p_vnet AND customer_id = p_customer OFFSET 0) AS v ON true
$$;
COMMENT ON FUNCTION connection_create_facts IS
    'What is found of a circuit and a VNet that are to be connected, and the verdict.';
