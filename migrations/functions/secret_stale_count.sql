-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION secret_stale_count(p_key_id text)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
BEGIN
    r.outcome := 'ok';
    r.facts := jsonb_build_object('stale',
        (SELECT count(*) FROM callback_secrets WHERE key_id <> p_key_id)
        + (SELECT count(*) FROM webhook_secrets WHERE key_id <> p_key_id));
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION secret_stale_count IS
    'How many secrets are not sealed with that key, locked ones too.';
GRANT EXECUTE ON FUNCTION secret_stale_count TO onramp_daemon;
