-- SPDX-License-Identifier: Apache-2.0
-- Both rows are locked before anything is decided, the circuit first, so what is read here stays
-- true; the trigger A_connection_counted then writes both. Where this function is wrong the
-- constraints say so, as an error. The circuit is named by its owner, or by the key of an
-- authorization: then its id, its owner and its state are not told.
DROP FUNCTION IF EXISTS connection_create(uuid, uuid, uuid, text, text);
CREATE OR REPLACE FUNCTION connection_create(p_caller caller, p_customer uuid, p_circuit uuid,
                                             p_vnet uuid, p_authorization_key text DEFAULT NULL)
RETURNS SETOF connection_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r connection_view;
    c circuits%ROWTYPE;
    v vnets%ROWTYPE;
    v_connected boolean := false;
    v_in_use boolean := false;
    v_overlap cidr;
    v_authorization uuid;
    v_shared boolean;
    v_actor text;
BEGIN
    IF p_authorization_key IS NULL THEN
        SELECT * INTO c FROM circuits
        WHERE id = p_circuit AND customer_id = p_customer AND deleted_at IS NULL
        FOR NO KEY UPDATE;
    ELSE
        SELECT * INTO c FROM circuits
        WHERE id = (SELECT circuit_id FROM authorizations
            WHERE authorization_key = p_authorization_key)
        FOR NO KEY UPDATE;
        -- Under the circuit's lock, which revoking takes too.
        SELECT id INTO v_authorization FROM authorizations
        WHERE authorization_key = p_authorization_key AND circuit_id = c.id;
    END IF;
    IF c.id IS NULL OR (p_authorization_key IS NOT NULL AND v_authorization IS NULL) THEN
        r.outcome := 'not_found';
        r.facts := jsonb_build_object('detail',
            CASE WHEN p_authorization_key IS NULL THEN 'There is no circuit with this circuitId.'
                 ELSE 'There is no authorization with this authorizationKey; ask its issuer.' END);
        RETURN NEXT r;
        RETURN;
    END IF;
    v_shared := c.customer_id <> p_customer;
    SELECT * INTO v FROM vnets
    WHERE id = p_vnet AND customer_id = p_customer
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        r.facts := jsonb_build_object('detail', 'There is no VNet with this vnetId.');
        RETURN NEXT r;
        RETURN;
    END IF;

    -- Asked only where it can be so: an IF with a query in it costs a query, even where its first
    -- part is false.
    IF c.used > 0 AND v.used > 0 THEN
        v_connected := EXISTS (SELECT FROM connections
                               WHERE circuit_id = c.id AND vnet_id = p_vnet);
    END IF;
    IF v_authorization IS NOT NULL THEN
        v_in_use := EXISTS (SELECT FROM connections WHERE authorization_id = v_authorization);
    END IF;

    IF c.circuit_status = 'Disabled' THEN
        r.outcome := 'circuit_disabled';
        r.facts := jsonb_build_object('detail',
            'The operator has disabled this circuit; ask the operator.');
    ELSIF c.provider_status <> 'Provisioned' THEN
        r.outcome := 'circuit_not_provisioned';
        r.facts := CASE WHEN v_shared
            THEN jsonb_build_object('detail',
                'The circuit is not provisioned; ask its owner when it will be.')
            ELSE jsonb_build_object(
                'detail', format('The circuit is %s; connect it once its partner has provisioned '
                    'it.', c.provider_status),
                'providerStatus', c.provider_status)
            END;
    ELSIF c.delete_when_deprovisioned THEN
        r.outcome := 'circuit_deprovision_requested';
        r.facts := jsonb_build_object('detail', CASE WHEN v_shared
            THEN 'This circuit will be deleted once it is deprovisioned; ask its owner.'
            ELSE 'This circuit will be deleted once it is deprovisioned; withdraw that request '
                'first.' END);
    ELSIF v.gateway_subnet IS NULL THEN
        r.outcome := 'vnet_has_no_gateway';
        r.facts := jsonb_build_object('detail',
            'Give the VNet a gateway first: PUT /v1/vnets/{id}/gateway.');
    ELSIF v_connected THEN
        r.outcome := 'already_connected';
        r.facts := jsonb_build_object('detail',
            'This VNet is connected to this circuit already; there is nothing to do.');
    ELSIF v_in_use THEN
        r.outcome := 'authorization_in_use';
        r.facts := jsonb_build_object('detail',
            'Another connection uses this authorization; delete that one, or get an authorization '
                'of its own.');
    ELSIF c.used >= c.vnet_limit THEN
        r.outcome := 'circuit_vnet_limit_reached';
        r.facts := jsonb_build_object(
            'detail', format('This circuit is connected to %s of %s VNets; %s first.', c.used,
                c.vnet_limit,
                             CASE WHEN v_shared THEN 'its owner has to delete a connection'
                                 ELSE 'delete a connection' END),
            'limit', c.vnet_limit, 'used', c.used, 'scope', 'circuit');
    ELSIF v.used >= 4 THEN
        r.outcome := 'vnet_circuit_limit_reached';
        r.facts := jsonb_build_object(
            'detail', format('This VNet is connected to %s of 4 circuits; '
                             'delete a connection first.', v.used),
            'limit', 4, 'used', v.used, 'scope', 'vnet');
    ELSE
        IF c.used > 0 THEN
            SELECT space.prefix INTO v_overlap
            FROM circuit_prefixes p
            JOIN unnest(v.address_space) AS space (prefix) ON space.prefix && p.prefix
            WHERE p.circuit_id = c.id
            LIMIT 1;
        END IF;
        IF v_overlap IS NOT NULL THEN
            r.outcome := 'address_space_overlap';
            r.facts := jsonb_build_object('detail',
                format('%s of this VNet overlaps with a VNet that is on the circuit already; '
                       'addresses on one circuit have to differ.', v_overlap));
        END IF;
    END IF;
    IF r.outcome IS NOT NULL THEN
        RETURN NEXT r;
        RETURN;
    END IF;

    -- For the event that the trigger writes.
    v_actor := set_config('onramp.actor', p_caller.role || ':' || p_caller.actor, true);
    INSERT INTO connections (circuit_id, vnet_id, circuit_customer_id, vnet_customer_id,
        authorization_id)
    VALUES (c.id, p_vnet, c.customer_id, v.customer_id, v_authorization)
    RETURNING id, CASE WHEN NOT v_shared THEN circuit_id END, vnet_id, authorization_id, created_at
    INTO r.id, r.circuit_id, r.vnet_id, r.authorization_id, r.created_at;
    IF v_shared THEN
        INSERT INTO acts_of_vnet_owners (circuit_id, sequence, customer_id)
        VALUES (c.id, c.last_sequence + 1, p_customer);
    END IF;
    r.outcome := 'ok';
    r.status := 'Connected';
    r.address_space := to_jsonb(v.address_space);
    r.peering_location := c.peering_location;
    r.bandwidth_mbps := c.bandwidth_mbps;
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION connection_create
    IS 'Connect a VNet to a circuit of the same customer, or to one that an authorization opens.';
GRANT EXECUTE ON FUNCTION connection_create TO onramp_daemon;
