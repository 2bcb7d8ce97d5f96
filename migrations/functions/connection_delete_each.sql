-- SPDX-License-Identifier: Apache-2.0
-- connection_delete for several requests at once: the n-th row answers the n-th request.
-- No Memoize: PostgreSQL 15 may put it before a volatile function too, were there many more rows,
-- and two that ask for the same would be one. One plan for all: callbacks_write says why.
CREATE OR REPLACE FUNCTION connection_delete_each(p_ids uuid[], p_customers uuid[], p_roles text[],
                                                  p_actors text[])
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp
SET enable_memoize = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT gone.*
    FROM unnest(p_ids, p_customers, p_roles, p_actors) WITH ORDINALITY
             AS asked (id, customer, role, actor, n),
         LATERAL connection_delete(asked.id, asked.customer, asked.role, asked.actor) AS gone
    ORDER BY asked.n;
END
$$;
COMMENT ON FUNCTION connection_delete_each IS
    'Delete connections, several in their order, as connection_delete does it.';
GRANT EXECUTE ON FUNCTION connection_delete_each TO onramp_daemon;
