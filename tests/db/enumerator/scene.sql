-- SPDX-License-Identifier: Apache-2.0
-- What the enumerator writes to: a small house in which every rule is at its edge. A circuit that is
-- full, a VNet on four circuits, quotas that are used up, a circuit in each status, a request that is
-- open, a shared connection, keys that were retired, a feed with a part that is not published yet,
-- deliveries of each kind. It is made by the functions of the API, as the daemon would.
SET search_path = onramp, public;

SELECT catalogue_load('{"locations": [
    {"name": "Amsterdam", "metro": "Amsterdam", "zone": 1, "site": "AM5",
     "localRegions": ["West Europe"], "direct": true},
    {"name": "London", "metro": "London", "zone": 1, "site": "LD5", "localRegions": [],
     "direct": false},
    {"name": "Oslo", "metro": "Oslo", "zone": 1, "site": "OS1", "localRegions": [],
     "direct": false},
    {"name": "Bergen", "metro": "Bergen", "zone": 1, "site": "BG1", "localRegions": [],
     "direct": false}], "partners": []}');
INSERT INTO seal_keys (id, proof) VALUES ('test', 'none'), ('spare', 'none');

CREATE FUNCTION pg_temp.sealed(p_name text) RETURNS text LANGUAGE sql RETURN 'v1.test.' || rpad(p_name, 60, 'A');

SELECT outcome FROM partner_create('(operator,ops,,,,)', 'carrier', 'Carrier', '[
    {"peeringLocation": "Amsterdam", "bandwidthsMbps": [50, 100, 1000]},
    {"peeringLocation": "London", "bandwidthsMbps": [50]}]', pg_temp.sealed('carrier'));
SELECT outcome FROM partner_create('(operator,ops,,,,)', 'rival', 'Rival', '[
    {"peeringLocation": "Amsterdam", "bandwidthsMbps": [50, 1000]}]', pg_temp.sealed('rival'));
SELECT outcome FROM partner_create('(operator,ops,,,,)', 'idle', 'Idle', '[]', pg_temp.sealed('idle'));
SELECT outcome FROM callback_secret_rotate('(operator,ops,,,,)', 'rival', NULL, pg_temp.sealed('fresh'), 86400);
-- A cell of the table of limits that nothing stands in.
DELETE FROM vnet_limits WHERE tier = 'Local' AND bandwidth_mbps = 10000;
-- Room for what is of three minutes ago, were that another month.
SELECT event_month_add(month) FROM (SELECT date_trunc('month', now() - interval '3 minutes')::date AS month
                                    EXCEPT SELECT month FROM event_months) AS missing;
-- Two VNets are all that such a circuit takes.
SELECT outcome FROM vnet_limits_put('(operator,ops,,,,)', 
    '[{"tier": "Standard", "bandwidthMbps": 50, "limit": 2}]', 100) LIMIT 1;

CREATE FUNCTION pg_temp.order(p_customer uuid, p_name text, p_location text, p_mbps int, p_tags jsonb)
RETURNS uuid LANGUAGE sql AS $$
    SELECT id FROM onramp.circuit_create('(customer,Acme,,,,)', p_customer, p_name, 'carrier', p_location, p_mbps, 'Standard',
                                         'MeteredData', p_tags);
$$;
CREATE FUNCTION pg_temp.key_of(p_circuit uuid) RETURNS uuid LANGUAGE sql AS $$
    SELECT service_key FROM onramp.circuits WHERE id = p_circuit;
$$;
CREATE FUNCTION pg_temp.say(p_circuit uuid, p_type text) RETURNS text LANGUAGE sql AS $$
    SELECT reason FROM onramp.callback_apply('(partner,carrier,,,,)', 
        'carrier', pg_temp.key_of(p_circuit), p_type, clock_timestamp(), '{"note": "said"}',
        'msg_' || gen_random_uuid(), repeat('ab', 32),
        (SELECT id FROM onramp.callback_secrets WHERE partner = 'carrier'));
$$;
CREATE FUNCTION pg_temp.attach(p_customer uuid, p_circuit uuid, p_vnet uuid) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
    r record;
BEGIN
    r := onramp.connection_create('(customer,Acme,,,,)', p_customer, p_circuit, p_vnet);
    IF r.outcome <> 'ok' THEN
        RAISE 'a VNet was not connected: %', r.outcome;
    END IF;
    RETURN r.id;
END
$$;

DO $$
DECLARE
    acme uuid; guest uuid; idle uuid; freely uuid;
    full_circuit uuid; half uuid; waiting uuid; quoted uuid; building uuid; asked uuid; leaving uuid;
    gone uuid; rotated uuid; shared uuid; plain uuid; deleting uuid; returned uuid;
    net uuid[]; foreign_net uuid; lonely uuid;
    hook uuid; closed uuid; hears uuid;
    r record;
    v text;
BEGIN
    acme := (customer_create('(operator,ops,,,,)', 'Acme')).id;
    guest := (customer_create('(operator,ops,,,,)', 'Guest')).id;
    idle := (customer_create('(operator,ops,,,,)', 'Idle')).id;
    freely := (customer_create('(operator,ops,,,,)', 'Freely')).id;
    PERFORM customer_create('(operator,ops,,,,)', 'Nobody');

    -- First those who hear of it.
    hook := (webhook_create('(customer,Acme,,,,)', 'https://a.example/', '{*}', 'of Acme', pg_temp.sealed('a'), acme,
                            NULL)).id;
    closed := (webhook_create('(customer,Acme,,,,)', 'https://b.example/', '{*}', 'of Guest', pg_temp.sealed('b'), guest,
                              NULL)).id;
    PERFORM webhook_create('(partner,carrier,,,,)', 'https://c.example/', '{circuit.*}', 'of the carrier', pg_temp.sealed('c'), NULL, 'carrier');
    hears := (webhook_create('(operator,ops,,,,)', 'https://d.example/', '{*}', 'of operators', pg_temp.sealed('d'), NULL,
                             NULL)).id;
    PERFORM webhook_secret_rotate('(customer,Acme,,,,)', hook, acme, NULL, pg_temp.sealed('e'));

    FOR i IN 1 .. 5 LOOP
        net[i] := (vnet_create('(customer,Acme,,,,)', acme, 'net ' || i, ARRAY[format('10.%s.0.0/16', i)::cidr],
                               '{"env": "test"}')).id;
        PERFORM vnet_gateway_put('(customer,Acme,,,,)', net[i], acme, format('10.%s.255.0/27', i)::cidr);
    END LOOP;
    foreign_net := (vnet_create('(customer,Acme,,,,)', guest, 'foreign', '{10.100.0.0/16}', '{}')).id;
    PERFORM vnet_gateway_put('(customer,Acme,,,,)', foreign_net, guest, '10.100.255.0/27');
    lonely := (vnet_create('(customer,Acme,,,,)', guest, 'lonely', '{10.1.0.0/16,10.200.0.0/16}', '{}')).id;

    plain := pg_temp.order(acme, 'plain', 'Amsterdam', 1000, '{"env": "test", "site": "hq"}');
    quoted := pg_temp.order(acme, 'quoted', 'Amsterdam', 1000, '{}');
    PERFORM partner_circuit_quote('(partner,carrier,,,,)', 'carrier', pg_temp.key_of(quoted));
    PERFORM pg_temp.say(quoted, 'circuit.rejected'), pg_temp.say(quoted, 'circuit.progress');
    building := pg_temp.order(acme, 'building', 'Amsterdam', 1000, '{}');
    PERFORM pg_temp.say(building, 'circuit.provisioning');
    full_circuit := pg_temp.order(acme, 'full', 'Amsterdam', 50, '{}');
    half := pg_temp.order(acme, 'half', 'London', 50, '{}');
    asked := pg_temp.order(acme, 'asked', 'Amsterdam', 100, '{"env": "test"}');
    leaving := pg_temp.order(acme, 'leaving', 'Amsterdam', 100, '{}');
    deleting := pg_temp.order(guest, 'deleting', 'Amsterdam', 100, '{}');
    shared := pg_temp.order(guest, 'shared', 'Amsterdam', 1000, '{}');
    FOREACH v IN ARRAY ARRAY[full_circuit, half, asked, leaving, deleting, shared] LOOP
        PERFORM pg_temp.say(v::uuid, 'circuit.provisioned');
    END LOOP;
    PERFORM pg_temp.attach(acme, full_circuit, net[1]), pg_temp.attach(acme, full_circuit, net[2]),
            pg_temp.attach(acme, half, net[1]), pg_temp.attach(acme, asked, net[1]);
    PERFORM authorization_create('(customer,Acme,,,,)', shared, guest, 'for Acme', 'onra_used');
    PERFORM authorization_create('(customer,Acme,,,,)', shared, guest, 'spare', 'onra_spare');
    PERFORM authorization_create('(customer,Acme,,,,)', half, acme, 'for Guest', 'onra_half');
    IF (connection_create('(customer,Acme,,,,)', acme, NULL, net[1], 'onra_used')).outcome <> 'ok' THEN
        RAISE 'the shared circuit was not connected';
    END IF;
    PERFORM connection_delete('(customer,Acme,,,,)', (pg_temp.attach(acme, half, net[3])), acme);
    PERFORM circuit_status_set('(operator,ops,,,,)', half, 'Disabled', 'audit'),
            circuit_status_set('(operator,ops,,,,)', half, 'Enabled', 'done');
    PERFORM circuit_deprovision_request('(customer,Acme,,,,)', asked, acme, false),
            circuit_deprovision_withdraw('(customer,Acme,,,,)', asked, acme),
            circuit_deprovision_request('(customer,Acme,,,,)', asked, acme, false);
    PERFORM circuit_deprovision_request('(customer,Guest,,,,)', deleting, guest, true);
    PERFORM pg_temp.say(leaving, 'circuit.deprovisioning');
    PERFORM pg_temp.say(leaving, 'circuit.provisioned'); -- refused
    -- Not provisioned any more, with a VNet on it still.
    returned := pg_temp.order(guest, 'returned', 'Amsterdam', 1000, '{}');
    PERFORM pg_temp.say(returned, 'circuit.provisioned'), pg_temp.attach(guest, returned, foreign_net),
            pg_temp.say(returned, 'circuit.deprovisioned');
    -- Of another minute than all others, and of a customer that has no quota.
    INSERT INTO circuits (customer_id, name, partner, peering_location, bandwidth_mbps, sku_tier,
                          sku_family, vnet_limit, created_at, tags)
    VALUES (freely, 'aged', 'rival', 'Oslo', 1000, 'Standard', 'MeteredData', 10,
            clock_timestamp() - interval '3 minutes', '{"env": "aged"}');
    rotated := pg_temp.order(guest, 'rotated', 'Amsterdam', 1000, '{}');
    PERFORM circuit_service_key_rotate('(customer,Guest,,,,)', rotated, guest);
    gone := pg_temp.order(acme, 'gone', 'Amsterdam', 1000, '{"env": "old"}');
    PERFORM circuit_service_key_rotate('(customer,Acme,,,,)', gone, acme);
    PERFORM circuit_delete('(customer,Acme,,,,)', gone, acme);

    -- Used up, in all and at each location.
    IF (SELECT min(outcome) FROM customer_limits_put('(operator,ops,,,,)', acme, 7, 6, 100)) <> 'ok' THEN
        RAISE 'the quota was not set';
    END IF;
    PERFORM customer_limits_put('(operator,ops,,,,)', guest, 9, 9, 100);
    PERFORM customer_limits_put('(operator,ops,,,,)', idle, 5, 5, 100);

    PERFORM feed_publish(1000);
    FOR r IN SELECT * FROM delivery_claim(3, 60) LOOP
        IF r.id IS NOT NULL THEN
            PERFORM delivery_record(r.id, r.fence, clock_timestamp(), 200, 12, NULL, 'ok', 'delivered',
                                    NULL, 432000);
        END IF;
    END LOOP;
    FOR r IN SELECT * FROM delivery_claim(2, 60) LOOP
        IF r.id IS NOT NULL THEN
            PERFORM delivery_record(r.id, r.fence, clock_timestamp(), 500, 12, 'status 500', 'no',
                                    'exhausted', NULL, 432000);
        END IF;
    END LOOP;
    PERFORM FROM delivery_claim(2, 600); -- on their way
    PERFORM webhook_delete('(customer,Acme,,,,)', closed, guest, NULL);
    PERFORM webhook_update('(operator,ops,,,,)', hears, NULL, NULL, NULL, NULL, NULL, false);
    -- Not published yet.
    PERFORM circuit_update('(customer,Acme,,,,)', plain, acme, 'plainer', NULL, NULL, NULL, NULL);
    PERFORM pg_temp.say(half, 'circuit.progress');

    INSERT INTO tokens (key_id, sha256, role, customer_id, partner, revoked_at) VALUES
        ('one', sha256('one'), 'customer', acme, NULL, NULL),
        ('two', sha256('two'), 'partner', NULL, 'carrier', NULL),
        ('all', sha256('all'), 'operator', NULL, NULL, NULL),
        ('old', sha256('old'), 'customer', idle, NULL, now()); -- with room for another one
    -- Somebody has the most there may be of each kind.
    UPDATE caps SET most = (SELECT max(used) FROM cap_counters k WHERE k.kind = caps.kind);
    INSERT INTO idempotency_keys (scope, key, digest, answer)
    VALUES ('customer:' || acme, 'k1', sha256('a'), '{"outcome": "ok"}'),
           ('customer:' || guest, 'k1', sha256('b'), '{"outcome": "ok"}');
END
$$;
