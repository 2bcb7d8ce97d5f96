-- SPDX-License-Identifier: Apache-2.0
-- connection_create for several requests at once: the n-th row answers the n-th request.
-- No Memoize: PostgreSQL 15 may put it before a volatile function too, were there many more rows,
-- and two that ask for the same would be one. One plan for all: callbacks_write says why.
CREATE OR REPLACE FUNCTION connection_create_each(p_customers uuid[], p_circuits uuid[],
                                                  p_vnets uuid[], p_roles text[], p_actors text[],
                                                  p_authorization_keys text[])
RETURNS SETOF connection_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp
SET enable_memoize = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT made.*
    FROM unnest(p_customers, p_circuits, p_vnets, p_roles, p_actors, p_authorization_keys)
             WITH ORDINALITY
             AS asked (customer, circuit, vnet, role, actor, authorization_key, n),
         LATERAL connection_create(asked.customer, asked.circuit, asked.vnet, asked.role,
                                   asked.actor, asked.authorization_key) AS made
    ORDER BY asked.n;
END
$$;
COMMENT ON FUNCTION connection_create_each IS
    'Connect VNets to circuits, several in their order, as connection_create does it.';
GRANT EXECUTE ON FUNCTION connection_create_each TO onramp_daemon;
