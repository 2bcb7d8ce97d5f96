-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION seal_key_add(p_id text, p_proof text)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
BEGIN
    INSERT INTO seal_keys (id, proof) VALUES (p_id, p_proof) ON CONFLICT (id) DO NOTHING;
    r.outcome := 'ok';
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION seal_key_add IS 'Let secrets be sealed with a key; its proof says which it is.';
GRANT EXECUTE ON FUNCTION seal_key_add TO onramp_daemon;
