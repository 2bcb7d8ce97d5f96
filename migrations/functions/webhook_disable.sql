-- SPDX-License-Identifier: Apache-2.0
-- Internal: the caller holds the turns of all endpoints of the owner and has closed this one's.
CREATE OR REPLACE FUNCTION webhook_disable(p_id uuid, p_now timestamptz, p_reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp AS $$
DECLARE
    v_other uuid;
BEGIN
    UPDATE webhook_endpoints SET disabled_at = p_now, disabled_reason = p_reason WHERE id = p_id;
    FOR v_other IN
        SELECT o.id FROM webhook_endpoints w JOIN webhook_endpoints o ON o.owner = w.owner
        WHERE w.id = p_id AND o.id <> p_id AND o.deleted_at IS NULL AND o.disabled_at IS NULL
              AND event_matches(o.event_types, 'endpoint.disabled')
    LOOP
        PERFORM webhook_tell(v_other, p_now, 'endpoint.disabled', p_id, p_reason);
    END LOOP;
END
$$;
COMMENT ON FUNCTION webhook_disable IS
    'Switch an endpoint off, and tell the owner''s other endpoints.';
