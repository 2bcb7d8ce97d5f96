-- SPDX-License-Identifier: Apache-2.0
-- Its deliveries go by and by (delivery_sweep), and the row behind them.
CREATE OR REPLACE FUNCTION webhook_delete(p_caller caller, p_id uuid, p_customer uuid,
                                          p_partner text)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
    w webhook_endpoints := webhook_lock(p_id, p_caller.role, p_customer, p_partner);
BEGIN
    IF w.id IS NULL THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;
    UPDATE webhook_endpoints SET deleted_at = clock_timestamp() WHERE id = p_id;
    UPDATE delivery_turns SET open = false, due_at = 'infinity' WHERE endpoint_id = p_id;
    DELETE FROM webhook_secrets WHERE endpoint_id = p_id;
    r.outcome := 'ok';
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION webhook_delete IS
    'Delete a webhook endpoint of the caller''s: nothing more is sent to it.';
GRANT EXECUTE ON FUNCTION webhook_delete TO onramp_daemon;
