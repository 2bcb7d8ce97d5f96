-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION secret_reseal(p_kind text, p_id uuid, p_secret text)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
BEGIN
    CASE p_kind
        WHEN 'callback' THEN
            UPDATE callback_secrets SET secret = p_secret WHERE id = p_id;
        WHEN 'webhook' THEN
            UPDATE webhook_secrets SET secret = p_secret WHERE id = p_id;
    END CASE;
    r.outcome := 'ok';
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION secret_reseal IS
    'Keep the same secret sealed anew, as found by secret_stale_list in this transaction.';
GRANT EXECUTE ON FUNCTION secret_reseal TO onramp_daemon;
