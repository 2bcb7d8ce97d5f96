-- SPDX-License-Identifier: Apache-2.0
-- Internal: lock a circuit for one who may see it; no row: there is none for them. p_customer null: an
-- operator. Each function reads anew behind the lock what it decides by.
CREATE OR REPLACE FUNCTION circuit_lock(p_id uuid, p_customer uuid) RETURNS SETOF circuits
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM onramp.circuits
    WHERE id = p_id AND deleted_at IS NULL AND (p_customer IS NULL OR customer_id = p_customer)
    FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION circuit_lock IS 'Lock a circuit that the caller may see.';
