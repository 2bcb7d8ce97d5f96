-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION callback_secret_rotate(p_caller caller, p_partner text,
    p_caller_partner text, p_secret text, p_keep_old_seconds int)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
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
    IF p_keep_old_seconds = 0 THEN
        DELETE FROM callback_secrets WHERE partner = p_partner;
    ELSE
        r.facts := cap_refused('callback_secrets', 'partner:' || p_partner,
            'There are %s of %s live callback secrets, and all of them go on verifying. Wait until '
            'one expires, or send keepOldSeconds 0, which ends the older ones at once.');
        IF r.facts IS NOT NULL THEN
            r.outcome := 'callback_secret_limit_reached';
            RETURN NEXT r;
            RETURN;
        END IF;
        UPDATE callback_secrets
        SET expires_at = least(expires_at,
                               clock_timestamp() + make_interval(secs => p_keep_old_seconds))
        WHERE partner = p_partner;
    END IF;
    INSERT INTO callback_secrets (partner, secret) VALUES (p_partner, p_secret);
    r.outcome := 'ok';
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION callback_secret_rotate IS
    'Give a partner a new callback secret; the older ones live p_keep_old_seconds more at most.';
GRANT EXECUTE ON FUNCTION callback_secret_rotate TO onramp_daemon;
