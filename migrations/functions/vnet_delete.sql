-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION vnet_delete(p_caller caller, p_id uuid, p_customer uuid)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
    v_used smallint;
BEGIN
    SELECT used INTO v_used FROM vnets
    WHERE id = p_id AND (p_customer IS NULL OR customer_id = p_customer)
    FOR UPDATE;
    IF NOT FOUND THEN
        r.outcome := 'not_found';
    ELSIF v_used > 0 THEN
        r.outcome := 'vnet_in_use';
        r.facts := vnet_blockers(p_id, 'Delete the VNet''s connections, then the VNet.');
    ELSE
        DELETE FROM vnets WHERE id = p_id;
        r.outcome := 'ok';
    END IF;
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION vnet_delete IS 'Delete a VNet that is not connected, or name every blocker.';
GRANT EXECUTE ON FUNCTION vnet_delete TO onramp_daemon;
