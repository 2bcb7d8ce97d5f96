-- SPDX-License-Identifier: Apache-2.0
-- Internal. The connections that keep a VNet as it is, as facts of the refusal vnet_in_use: there are 4
-- at most.
CREATE OR REPLACE FUNCTION vnet_blockers(p_vnet uuid, p_detail text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp AS $$
BEGIN
    RETURN (SELECT jsonb_build_object(
                'detail', p_detail,
                'blockers', jsonb_agg(jsonb_build_object('type', 'connection', 'id', id,
                    'detail', 'The VNet is connected to a circuit; delete the connection first.')
                ORDER BY id))
            FROM connections WHERE vnet_id = p_vnet);
END
$$;
COMMENT ON FUNCTION vnet_blockers IS 'The connections of a VNet, as facts of a refusal.';
