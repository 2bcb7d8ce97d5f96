-- SPDX-License-Identifier: Apache-2.0
-- Internal: take the turn of an endpoint, then say whether it is the caller's. Who writes an
-- endpoint holds its turn first; its row is written behind that alone.
CREATE OR REPLACE FUNCTION webhook_lock(p_id uuid, p_role text, p_customer uuid, p_partner text)
RETURNS webhook_endpoints
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp AS $$
DECLARE
    w webhook_endpoints;
    v_owner text := p_role || ':' || coalesce(p_customer::text, p_partner, '');
BEGIN
    -- An endpoint keeps its owner: nobody makes another's wait.
    PERFORM FROM webhook_endpoints WHERE id = p_id AND owner = v_owner AND deleted_at IS NULL;
    IF FOUND THEN
        PERFORM FROM delivery_turns WHERE endpoint_id = p_id FOR UPDATE;
        SELECT * INTO w FROM webhook_endpoints WHERE id = p_id AND deleted_at IS NULL;
    END IF;
    RETURN w;
END
$$;
COMMENT ON FUNCTION webhook_lock IS
    'Lock a webhook endpoint of the caller''s; a row of nulls: there is none.';
