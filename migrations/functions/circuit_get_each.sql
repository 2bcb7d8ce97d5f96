-- SPDX-License-Identifier: Apache-2.0
-- circuit_get for several requests at once: the n-th row answers the n-th circuit and customer. Each
-- is looked up by itself, so that no plan reads the table whole, not even one made when it was empty.
CREATE OR REPLACE FUNCTION circuit_get_each(p_ids uuid[], p_customers uuid[])
RETURNS SETOF circuit_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    v_none circuit_view;
BEGIN
    v_none.outcome := 'not_found';
    RETURN QUERY SELECT found.*
    FROM unnest(p_ids, p_customers) WITH ORDINALITY AS asked (id, customer, n),
         LATERAL (SELECT v.* FROM circuit_view v
                  WHERE v.id = asked.id
                        AND (asked.customer IS NULL
                             OR (v.customer_id = asked.customer AND v.deleted_at IS NULL))
                  UNION ALL
                  SELECT (v_none).*
                  LIMIT 1) AS found
    ORDER BY asked.n;
END
$$;
COMMENT ON FUNCTION circuit_get_each IS
    'Read several circuits, each for its customer or (null) for operators, as circuit_get does.';
GRANT EXECUTE ON FUNCTION circuit_get_each TO onramp_daemon;
