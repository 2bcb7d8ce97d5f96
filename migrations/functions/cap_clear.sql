-- SPDX-License-Identifier: Apache-2.0
-- Internal: the caller holds the counter's lock. A token that somebody is deleting is left to them:
-- they wait for the counter.
CREATE OR REPLACE FUNCTION cap_clear(p_kind text, p_owner text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
BEGIN
    IF p_kind = 'tokens' THEN
        UPDATE tokens SET revoked_at = v_now
        WHERE id IN (SELECT id FROM tokens
                     WHERE role || ':' || coalesce(customer_id::text, partner, '') = p_owner
                           AND revoked_at IS NULL AND expires_at <= v_now
                     FOR NO KEY UPDATE SKIP LOCKED);
    ELSIF p_kind = 'callback_secrets' THEN
        DELETE FROM callback_secrets
        WHERE 'partner:' || partner = p_owner AND expires_at <= v_now;
    END IF;
END
$$;
COMMENT ON FUNCTION cap_clear IS 'Let what has expired give way, so that it counts no more.';
