-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION seal_key_drop(p_id text)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
    v_dropped boolean := true;
BEGIN
    BEGIN
        DELETE FROM seal_keys WHERE id = p_id;
    EXCEPTION WHEN foreign_key_violation THEN
        v_dropped := false;
    END;
    r.outcome := 'ok';
    r.facts := jsonb_build_object('dropped', v_dropped);
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION seal_key_drop IS
    'Let nothing more be sealed with a key, unless a secret still is: facts.dropped says which.';
GRANT EXECUTE ON FUNCTION seal_key_drop TO onramp_daemon;
