-- SPDX-License-Identifier: Apache-2.0
-- Internal: the one place that decides whether a connection is deleted. k is its row, null where there
-- is none; p_customer null: an operator asks.
CREATE OR REPLACE FUNCTION connection_delete_verdict(k connections, p_customer uuid)
RETURNS verdict
LANGUAGE plpgsql IMMUTABLE SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
BEGIN
    r.outcome := 'ok';
    IF k.id IS NULL THEN
        r.outcome := 'not_found';
    ELSIF p_customer <> ALL (ARRAY[k.circuit_customer_id, k.vnet_customer_id]) THEN
        r.outcome := 'not_found';
    END IF;
    RETURN r;
END
$$;
COMMENT ON FUNCTION connection_delete_verdict IS 'Whether a connection is deleted; either side may.';
