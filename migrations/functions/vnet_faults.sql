-- SPDX-License-Identifier: Apache-2.0
-- Internal. What is wrong with an address space, as entries of errors; null: nothing. The daemon
-- checks shapes before; this keeps a refusal a value whoever calls.
CREATE OR REPLACE FUNCTION vnet_faults(p_address_space cidr[])
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp AS $$
BEGIN
    IF array_ndims(p_address_space) IS DISTINCT FROM 1 OR cardinality(p_address_space) > 16 THEN
        RETURN jsonb_build_array(jsonb_build_object(
            'pointer', '/addressSpace', 'code', 'out_of_range',
            'detail', 'An address space has 1 to 16 prefixes.'));
    END IF;
    RETURN (
        WITH prefixes AS (
            SELECT number - 1 AS place, prefix
            FROM unnest(p_address_space) WITH ORDINALITY AS p (prefix, number))
        SELECT jsonb_agg(jsonb_build_object(
            'pointer', format('/addressSpace/%s', place), 'code', 'invalid_value',
            'detail', detail) ORDER BY place)
        FROM (SELECT place, 'A prefix is IPv4, from /8 to /28.' AS detail FROM prefixes
              WHERE prefix IS NULL OR family(prefix) <> 4 OR masklen(prefix) NOT BETWEEN 8 AND 28
              UNION ALL
              SELECT a.place, format('Overlaps %s, which stands before it.', min(b.prefix))
              FROM prefixes a
              JOIN prefixes b ON b.place < a.place AND a.prefix && b.prefix
              GROUP BY a.place) AS fault);
END
$$;
COMMENT ON FUNCTION vnet_faults IS 'What is wrong with an address space; null: nothing.';
