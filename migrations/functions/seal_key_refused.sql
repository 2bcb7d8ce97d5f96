-- SPDX-License-Identifier: Apache-2.0
-- Internal. Asked before a secret is kept: a server that has not met the newest key yet seals with
-- one that is gone. Whoever drops the key meanwhile waits for us, and finds it in use.
CREATE OR REPLACE FUNCTION seal_key_refused(p_secret text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp AS $$
BEGIN
    PERFORM FROM seal_keys WHERE id = sealed_with(p_secret) FOR KEY SHARE;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    RETURN jsonb_build_object('detail',
        'The key that seals secrets was changed a moment ago. Nothing was done; try again after '
        'Retry-After.');
END
$$;
COMMENT ON FUNCTION seal_key_refused IS
    'Null when the secret is sealed with a key that is in use; otherwise the facts of a refusal.';
