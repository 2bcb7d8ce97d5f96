-- SPDX-License-Identifier: Apache-2.0
-- Internal: the one place that decides whether a VNet is connected to a circuit. c and v are the rows as
-- they were locked, null where the caller may not see them. The circuit was named by its id
-- (p_by_key false), or by the key of an authorization: then its id, its owner and its state are not
-- told.
CREATE OR REPLACE FUNCTION connection_create_verdict(c circuits, v vnets, p_by_key boolean,
                                                     p_authorization uuid, p_shared boolean,
                                                     p_connected boolean, p_in_use boolean,
                                                     p_overlap cidr)
RETURNS verdict
LANGUAGE plpgsql IMMUTABLE SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
BEGIN
    r.outcome := 'ok';
    IF p_by_key AND p_authorization IS NULL THEN
        r.outcome := 'not_found';
        r.facts := jsonb_build_object('detail',
            'There is no authorization with this authorizationKey; ask its issuer.');
    ELSIF c.id IS NULL THEN
        r.outcome := 'not_found';
        r.facts := jsonb_build_object('detail', 'There is no circuit with this circuitId.');
    ELSIF v.id IS NULL THEN
        r.outcome := 'not_found';
        r.facts := jsonb_build_object('detail', 'There is no VNet with this vnetId.');
    ELSIF c.circuit_status = 'Disabled' THEN
        r.outcome := 'circuit_disabled';
        r.facts := jsonb_build_object('detail',
            'The operator has disabled this circuit; ask the operator.');
    ELSIF c.provider_status <> 'Provisioned' THEN
        r.outcome := 'circuit_not_provisioned';
        r.facts := CASE WHEN p_shared
            THEN jsonb_build_object('detail',
                'The circuit is not provisioned; ask its owner when it will be.')
            ELSE jsonb_build_object(
                'detail', format('The circuit is %s; connect it once its partner has provisioned '
                    'it.', c.provider_status),
                'providerStatus', c.provider_status)
            END;
    ELSIF c.delete_when_deprovisioned THEN
        r.outcome := 'circuit_deprovision_requested';
        r.facts := jsonb_build_object('detail', CASE WHEN p_shared
            THEN 'This circuit will be deleted once it is deprovisioned; ask its owner.'
            ELSE 'This circuit will be deleted once it is deprovisioned; withdraw that request '
                'first.' END);
    ELSIF v.gateway_subnet IS NULL THEN
        r.outcome := 'vnet_has_no_gateway';
        r.facts := jsonb_build_object('detail',
            'Give the VNet a gateway first: PUT /v1/vnets/{id}/gateway.');
    ELSIF p_connected THEN
        r.outcome := 'already_connected';
        r.facts := jsonb_build_object('detail',
            'This VNet is connected to this circuit already; there is nothing to do.');
    ELSIF p_in_use THEN
        r.outcome := 'authorization_in_use';
        r.facts := jsonb_build_object('detail',
            'Another connection uses this authorization; delete that one, or get an authorization '
                'of its own.');
    ELSIF c.used >= c.vnet_limit THEN
        r.outcome := 'circuit_vnet_limit_reached';
        r.facts := jsonb_build_object(
            'detail', format('This circuit is connected to %s of %s VNets; %s first.', c.used,
                c.vnet_limit,
                             CASE WHEN p_shared THEN 'its owner has to delete a connection'
                                 ELSE 'delete a connection' END),
            'limit', c.vnet_limit, 'used', c.used, 'scope', 'circuit');
    ELSIF v.used >= 4 THEN
        r.outcome := 'vnet_circuit_limit_reached';
        r.facts := jsonb_build_object(
            'detail', format('This VNet is connected to %s of 4 circuits; '
                             'delete a connection first.', v.used),
            'limit', 4, 'used', v.used, 'scope', 'vnet');
    ELSIF p_overlap IS NOT NULL THEN
        r.outcome := 'address_space_overlap';
        r.facts := jsonb_build_object('detail',
            format('%s of this VNet overlaps with a VNet that is on the circuit already; '
                   'addresses on one circuit have to differ.', p_overlap));
    END IF;
    RETURN r;
END
$$;
COMMENT ON FUNCTION connection_create_verdict IS
    'Whether a VNet is connected to a circuit, or the refusal.';
