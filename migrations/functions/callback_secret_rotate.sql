-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION callback_secret_rotate(p_partner text, p_caller_partner text,
                                                  p_secret text, p_keep_old_seconds int)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
    v_now timestamptz;
BEGIN
    -- One rotation of a partner at a time.
    PERFORM FROM partners
    WHERE name = p_partner AND (p_caller_partner IS NULL OR p_caller_partner = p_partner)
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;
    r.facts := seal_key_refused(p_secret);
    IF r.facts IS NOT NULL THEN
        r.outcome := 'unavailable';
        RETURN NEXT r;
        RETURN;
    END IF;
    v_now := clock_timestamp();
    UPDATE callback_secrets
    SET expires_at = least(expires_at, v_now + make_interval(secs => p_keep_old_seconds))
    WHERE partner = p_partner AND (expires_at IS NULL OR expires_at > v_now);
    INSERT INTO callback_secrets (partner, secret) VALUES (p_partner, p_secret);
    r.outcome := 'ok';
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION callback_secret_rotate IS
    'Give a partner a new callback secret; the older ones live p_keep_old_seconds more at most.';
GRANT EXECUTE ON FUNCTION callback_secret_rotate TO onramp_daemon;
