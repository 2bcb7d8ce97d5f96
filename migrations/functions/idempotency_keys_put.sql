-- SPDX-License-Identifier: Apache-2.0
-- Internal: the caller has taken the keys. Those that are null are passed over.
CREATE OR REPLACE FUNCTION idempotency_keys_put(p_scopes text[], p_keys text[], p_digests text[],
                                                p_answers jsonb[])
RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO onramp.idempotency_keys (scope, key, digest, answer)
    SELECT scope, key, decode(digest, 'hex'), answer
    FROM unnest(p_scopes, p_keys, p_digests, p_answers) AS answered (scope, key, digest, answer)
    WHERE key IS NOT NULL AND answer IS NOT NULL
    ON CONFLICT (scope, key) DO UPDATE -- one that has outlived its day
    SET digest = excluded.digest, answer = excluded.answer, answered_at = excluded.answered_at;
END
$$;
COMMENT ON FUNCTION idempotency_keys_put IS 'Note what was answered under Idempotency-Keys.';
