-- SPDX-License-Identifier: Apache-2.0
-- What stands in an index is seen by whoever writes to it, whatever its snapshot: a key that was
-- retired after the snapshot of a transaction is found by trying to retire it once more. Nothing stays
-- of that: it is undone with the block.
CREATE OR REPLACE FUNCTION service_keys_probed(p_keys uuid[], p_circuit uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO onramp.retired_service_keys (service_key, circuit_id)
    SELECT key, p_circuit FROM unnest(p_keys) AS key;
    RAISE EXCEPTION USING ERRCODE = 'ON001', MESSAGE = 'none of these keys was retired';
EXCEPTION
    WHEN SQLSTATE 'ON001' THEN
        NULL;
    WHEN unique_violation THEN
        PERFORM onramp.refused('a_service_key_is_never_used_again',
            'this service key was retired and is never used again');
END
$$;
COMMENT ON FUNCTION service_keys_probed(uuid[], uuid) IS
    'Refuses keys that were retired, also after this transaction''s snapshot. The circuit is any one.';
