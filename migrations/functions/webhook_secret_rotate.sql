-- SPDX-License-Identifier: Apache-2.0
-- Five secrets at most sign at a time, however often they are rotated within a day.
CREATE OR REPLACE FUNCTION webhook_secret_rotate(p_caller caller, p_id uuid, p_customer uuid,
    p_partner text, p_secret text)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
    w webhook_endpoints := webhook_lock(p_id, p_caller.role, p_customer, p_partner);
    v_now timestamptz := clock_timestamp();
BEGIN
    IF w.id IS NULL THEN
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
    UPDATE webhook_secrets SET expires_at = v_now + interval '24 hours'
    WHERE endpoint_id = p_id AND expires_at IS NULL;
    DELETE FROM webhook_secrets
    WHERE endpoint_id = p_id AND (expires_at <= v_now OR id NOT IN (
        SELECT id FROM webhook_secrets WHERE endpoint_id = p_id ORDER BY id DESC LIMIT 4));
    INSERT INTO webhook_secrets (endpoint_id, secret) VALUES (p_id, p_secret);
    r.outcome := 'ok';
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION webhook_secret_rotate IS
    'Give a webhook endpoint a new secret; the one before signs along for 24 hours.';
GRANT EXECUTE ON FUNCTION webhook_secret_rotate TO onramp_daemon;
