-- SPDX-License-Identifier: Apache-2.0
-- What two sessions write to side by side: a customer with circuits and VNets of its own, made anew for
-- each pair of writers, with every limit one short: the scene has set the caps to suit.
SET search_path = recount, onramp, public;

CREATE FUNCTION recount.told(p_circuit uuid, p_type text) RETURNS text LANGUAGE sql
SET search_path = onramp, public AS $$
    SELECT coalesce(reason, outcome) FROM callback_apply(
        'carrier', (SELECT service_key FROM circuits WHERE id = p_circuit), p_type, clock_timestamp(),
        '{"reason": "said"}', 'msg_' || gen_random_uuid(), repeat('ab', 32),
        (SELECT id FROM callback_secrets WHERE partner = 'carrier' LIMIT 1), 'partner', 'carrier');
$$;

CREATE FUNCTION recount.story() RETURNS jsonb LANGUAGE plpgsql SET search_path = onramp, public AS $$
DECLARE
    s jsonb := '{}';
    acme uuid := (customer_create('Acme')).id;
    guest uuid := (customer_create('Guest')).id;
    v uuid;
    c uuid;
    r record;
BEGIN
    FOR i IN 1 .. 4 LOOP
        v := (vnet_create(acme, 'net', ARRAY[format('10.%s.0.0/16', least(i, 3))::cidr], '{}')).id;
        PERFORM vnet_gateway_put(v, acme, format('10.%s.255.0/27', least(i, 3))::cidr);
        s := s || jsonb_build_object('n' || i, v);
    END LOOP;
    v := (vnet_create(guest, 'foreign', '{10.200.0.0/16}', '{}')).id;
    PERFORM vnet_gateway_put(v, guest, '10.200.255.0/27');
    s := s || jsonb_build_object('acme', acme, 'guest', guest, 'foreign', v);
    -- c1: one place left; c2: nothing built; c3 and c4: so that n1 has one place left; c5: asked.
    FOR i IN 1 .. 5 LOOP
        c := (circuit_create(acme, 'c' || i, 'carrier', 'Amsterdam', 50, 'Standard', 'MeteredData',
                             '{"env": "test"}', 'customer', 'Acme')).id;
        s := s || jsonb_build_object('c' || i, c);
        IF i <> 2 THEN
            PERFORM recount.told(c, 'circuit.provisioned');
        END IF;
        IF i IN (1, 3, 4) THEN
            r := connection_create(acme, c, (s ->> 'n1')::uuid, 'customer', 'Acme');
            s := s || jsonb_build_object('k' || i, r.id);
        END IF;
    END LOOP;
    PERFORM circuit_deprovision_request((s ->> 'c5')::uuid, acme, false, 'customer', 'Acme');
    r := authorization_create((s ->> 'c1')::uuid, acme, 'for Guest', 'onra_' || c);
    s := s || jsonb_build_object('a1', r.id, 'door', 'onra_' || c,
        'key1', (SELECT service_key FROM circuits WHERE id = (s ->> 'c1')::uuid),
        'key2', (SELECT service_key FROM circuits WHERE id = (s ->> 'c2')::uuid));
    INSERT INTO recount.was_circuits SELECT * FROM circuits WHERE customer_id = acme;
    RETURN s;
END
$$;
