-- SPDX-License-Identifier: Apache-2.0
-- Internal: what was answered under a key, while that counts. Called by a statement behind the one that
-- takes the key, it sees what the last holder has committed.
CREATE OR REPLACE FUNCTION idempotency_key_live(p_scope text, p_key text)
RETURNS SETOF onramp.idempotency_keys
LANGUAGE sql STABLE AS $$
    SELECT * FROM onramp.idempotency_keys
    WHERE scope = p_scope AND key = p_key
          AND answered_at > statement_timestamp() - interval '24 hours'
$$;
COMMENT ON FUNCTION idempotency_key_live IS 'What was answered under an Idempotency-Key.';
