-- SPDX-License-Identifier: Apache-2.0
-- conditional_call for several requests of one function at once: the n-th row answers the n-th
-- call, and p_arguments[i][n] is the i-th argument of that call. The calls are run in their order,
-- each seeing what the ones before it did, as if each had come by itself; only that an error in one of
-- them undoes all. What each is asked with depends on n, so no two of them are taken for one.
--
-- Orders and connections are what is asked most: circuit_create_each() and connection_create_each()
-- do them in sets. They are given slices, which have two dimensions still.
CREATE OR REPLACE FUNCTION conditional_call_each(p_row anyelement, p_function text,
                                                 p_arguments text[], p_resource text, p_ids uuid[],
                                                 p_customers uuid[], p_scopes text[], p_keys text[],
                                                 p_digests text[], p_versions text[],
                                                 p_traceparents text[], p_dry boolean[])
RETURNS SETOF anyelement
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
BEGIN
    IF p_function = 'circuit_create' AND p_resource IS NULL THEN
        RETURN QUERY SELECT * FROM circuit_create_each(
            p_arguments[1:1]::caller[], p_arguments[2:2]::uuid[], p_arguments[3:3],
            p_arguments[4:4], p_arguments[5:5], p_arguments[6:6]::int[], p_arguments[7:7],
            p_arguments[8:8], p_arguments[9:9]::jsonb[],
            p_scopes, p_keys, p_digests, p_traceparents, p_dry);
        RETURN;
    END IF;
    IF p_function = 'connection_create' AND p_resource IS NULL THEN
        RETURN QUERY SELECT * FROM connection_create_each(
            p_arguments[1:1]::caller[], p_arguments[2:2]::uuid[], p_arguments[3:3]::uuid[],
            p_arguments[4:4]::uuid[], p_arguments[5:5],
            p_scopes, p_keys, p_digests, p_traceparents, p_dry);
        RETURN;
    END IF;
    RETURN QUERY SELECT answer.*
    FROM unnest(p_ids, p_customers, p_scopes, p_keys, p_digests, p_versions, p_traceparents, p_dry)
             WITH ORDINALITY
             AS asked (id, customer, scope, key, digest, versions, traceparent, dry, n),
         LATERAL conditional_call(p_row, p_function,
                     ARRAY(SELECT p_arguments[i][asked.n]
                           FROM generate_subscripts(p_arguments, 1) AS i ORDER BY i),
                     p_resource, asked.id, asked.customer, asked.scope, asked.key, asked.digest,
                     asked.versions::bigint[], asked.traceparent, asked.dry) AS answer
    ORDER BY asked.n;
END
$$;
COMMENT ON FUNCTION conditional_call_each IS
    'Run a function of the API for several requests, each under its own conditions, as '
    'conditional_call does.';
GRANT EXECUTE ON FUNCTION conditional_call_each TO onramp_daemon;
