-- SPDX-License-Identifier: Apache-2.0
-- Internal: whether this transaction has the key, until it ends. Nobody waits for a key: two requests of one
-- key that share a transaction would wait for each other.
CREATE OR REPLACE FUNCTION idempotency_key_take(p_scope text, p_key text) RETURNS boolean
LANGUAGE sql VOLATILE AS $$
    SELECT pg_try_advisory_xact_lock(hashtextextended(p_scope || ' ' || p_key, 20))
$$;
COMMENT ON FUNCTION idempotency_key_take IS 'Take an Idempotency-Key, or say that somebody has it.';
