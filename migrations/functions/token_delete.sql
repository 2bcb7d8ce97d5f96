-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION token_delete(p_caller caller, p_id uuid, p_caller_customer uuid,
                                        p_caller_partner text)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
BEGIN
    UPDATE tokens SET revoked_at = clock_timestamp()
    WHERE id = p_id AND revoked_at IS NULL
          AND (p_caller.role = 'operator'
               OR (p_caller.role = 'customer' AND customer_id = p_caller_customer)
               OR (p_caller.role = 'partner' AND partner = p_caller_partner));
    r.outcome := CASE WHEN FOUND THEN 'ok' ELSE 'not_found' END;
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION token_delete IS 'Revoke a token.';
GRANT EXECUTE ON FUNCTION token_delete TO onramp_daemon;
