-- SPDX-License-Identifier: Apache-2.0
-- What has to be true of the database after any statement, recounted by queries that ask no counter, no
-- guard and no function of the schema. Each rule is a query for what breaks it.
CREATE SCHEMA recount;
CREATE TABLE recount.rules (name text PRIMARY KEY, breach text NOT NULL, declared boolean DEFAULT false);

-- How everything stood when the scene was made. Rows of this are never written again.
DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT relname FROM pg_class
             WHERE relnamespace = 'onramp'::regnamespace AND relkind IN ('r', 'p')
                   AND NOT relispartition
    LOOP
        EXECUTE format('CREATE TABLE recount.was_%I AS TABLE onramp.%I', t.relname, t.relname);
    END LOOP;
END
$$;

SET search_path = recount, onramp, public;

-- --- limits and counters ---
INSERT INTO rules (name, breach) VALUES
('a circuit is connected to as many VNets as it says, and to no more than its limit',
 'SELECT FROM circuits c WHERE used <> (SELECT count(*) FROM connections k WHERE k.circuit_id = c.id)
     OR used > vnet_limit OR used > CASE sku_tier WHEN ''Premium'' THEN 100 ELSE 10 END'),
('the limit of a circuit is that of its tier and bandwidth',
 'SELECT FROM circuits c WHERE vnet_limit IS DISTINCT FROM (SELECT vnets FROM vnet_limits l
     WHERE l.tier = c.sku_tier AND l.bandwidth_mbps = c.bandwidth_mbps)'),
('a VNet is connected to as many circuits as it says, and to 4 at most',
 'SELECT FROM vnets v WHERE used <> (SELECT count(*) FROM connections k WHERE k.vnet_id = v.id)
     OR used > 4'),
('a quota counts the circuits of its customer, and holds',
 'SELECT FROM circuit_quotas q WHERE used > circuits OR used <> (SELECT count(*) FROM circuits c
     WHERE c.customer_id = q.customer_id AND c.deleted_at IS NULL)'),
('a quota counts the circuits at each location, and holds',
 'SELECT FROM circuit_quotas q JOIN circuits c USING (customer_id)
  LEFT JOIN circuit_location_quotas l USING (customer_id, peering_location)
  WHERE c.deleted_at IS NULL
  GROUP BY customer_id, peering_location, q.circuits_per_location, l.used, l.circuits_per_location
  HAVING count(*) IS DISTINCT FROM l.used OR count(*) > q.circuits_per_location
      OR l.circuits_per_location <> q.circuits_per_location'),
('a location of a quota has circuits, or none',
 'SELECT FROM circuit_location_quotas l WHERE used <> (SELECT count(*) FROM circuits c
     WHERE c.customer_id = l.customer_id AND c.peering_location = l.peering_location
           AND c.deleted_at IS NULL)'),
('a counter counts what its owner has, and there is one where there is anything',
 'SELECT FROM (SELECT ''authorizations'' AS kind, ''circuit:'' || circuit_id AS owner FROM authorizations
      UNION ALL SELECT ''vnets'', ''customer:'' || customer_id FROM vnets
      UNION ALL SELECT ''callback_secrets'', ''partner:'' || partner FROM callback_secrets
      UNION ALL SELECT ''webhook_endpoints'', owner FROM webhook_endpoints WHERE deleted_at IS NULL
      UNION ALL SELECT ''tokens'', CASE role WHEN ''customer'' THEN ''customer:'' || customer_id
          WHEN ''partner'' THEN ''partner:'' || partner ELSE ''operator:'' END
          FROM tokens WHERE revoked_at IS NULL) AS live
  FULL JOIN cap_counters k USING (kind, owner) GROUP BY kind, owner, k.used
  HAVING count(live) IS DISTINCT FROM k.used'),
('a cap holds, and who is beyond it was so when it was lowered',
 'SELECT FROM cap_counters k JOIN caps c USING (kind) WHERE used > c.most AND used > coalesce(
      (SELECT w.used FROM was_cap_counters w WHERE (w.kind, w.owner) = (k.kind, k.owner)), 0)'),
('there is a cap for each kind that had one',
 'SELECT FROM was_caps w WHERE kind NOT IN (SELECT kind FROM caps)'),
('a quota is of who had one',
 'SELECT FROM was_circuit_quotas w WHERE customer_id NOT IN (SELECT customer_id FROM circuit_quotas)'),
('a limit is of what it was of',
 'SELECT FROM vnet_limits l WHERE (SELECT count(*) FROM vnet_limits)
         = (SELECT count(*) FROM was_vnet_limits)
     AND (tier, bandwidth_mbps) NOT IN (SELECT tier, bandwidth_mbps FROM was_vnet_limits)'),
('VNets on one circuit do not overlap',
 'SELECT FROM connections a JOIN connections b ON a.circuit_id = b.circuit_id AND a.id < b.id
  JOIN vnets v ON v.id = a.vnet_id JOIN vnets w ON w.id = b.vnet_id,
  unnest(v.address_space) AS p, unnest(w.address_space) AS q WHERE p::inet && q::inet'),
('the prefixes of a VNet do not overlap, and are /8 to /28',
 'SELECT FROM vnets, unnest(address_space) WITH ORDINALITY AS a (p, n),
      unnest(address_space) WITH ORDINALITY AS b (q, m)
  WHERE n < m AND p::inet && q::inet OR family(p) <> 4 OR masklen(p) NOT BETWEEN 8 AND 28'),
('a gateway lies inside the address space',
 'SELECT FROM vnets WHERE gateway_subnet IS NOT NULL AND (masklen(gateway_subnet) > 28 OR NOT EXISTS
     (SELECT FROM unnest(address_space) AS p WHERE gateway_subnet::inet <<= p::inet))'),
('a connected VNet keeps its addresses',
 'SELECT FROM vnets v JOIN was_vnets w USING (id) WHERE w.used > 0
     AND EXISTS (SELECT FROM connections k JOIN was_connections USING (id) WHERE k.vnet_id = v.id)
     AND (v.gateway_subnet IS DISTINCT FROM w.gateway_subnet OR NOT (v.address_space @> w.address_space
          AND v.address_space <@ w.address_space))'),

-- --- histories ---
('a circuit stands at its last event',
 'SELECT FROM circuits c WHERE (last_sequence, provider_status, updated_at) IS DISTINCT FROM
     (SELECT (sequence, to_status, at) FROM circuit_events e WHERE e.circuit_id = c.id
      ORDER BY sequence DESC, at DESC LIMIT 1)'),
('a history counts 1, 2, 3, and each event begins where the one before it ended',
 'SELECT FROM (SELECT sequence - row_number() OVER w AS gap,
         from_status IS DISTINCT FROM lag(to_status, 1, ''NotProvisioned'') OVER w AS leap,
         (type = ''circuit.created'') <> (row_number() OVER w = 1) AS birth,
         lag(type) OVER w = ''circuit.deleted'' AS ghost
     FROM circuit_events WINDOW w AS (PARTITION BY circuit_id ORDER BY sequence)) AS e
  WHERE gap <> 0 OR leap OR birth OR ghost'),
('an event is of a circuit, and an edge of the graph as it was',
 'SELECT FROM circuit_events e WHERE circuit_id NOT IN (SELECT id FROM circuits)
     OR (from_status, type, to_status) NOT IN (SELECT from_status, event, to_status
         FROM was_provider_transition WHERE to_status IS NOT NULL)'),
('a rejection at Provisioned answers a request that is open',
 'SELECT FROM circuit_events e WHERE type = ''circuit.rejected'' AND from_status = ''Provisioned''
     AND ''circuit.deprovision_requested'' IS DISTINCT FROM
         (SELECT type FROM circuit_events r WHERE r.circuit_id = e.circuit_id
              AND r.sequence < e.sequence AND (r.to_status = ''NotProvisioned'' OR r.type IN
                  (''circuit.deprovision_requested'', ''circuit.deprovision_withdrawn'',
                   ''circuit.rejected''))
          ORDER BY sequence DESC LIMIT 1)'),
('a request is open where the history says so, and nowhere else',
 'SELECT FROM circuits c WHERE (deprovision_requested_at IS NOT NULL)
     <> (''circuit.deprovision_requested'' IS NOT DISTINCT FROM
         (SELECT type FROM circuit_events r WHERE r.circuit_id = c.id
              AND (r.to_status = ''NotProvisioned'' OR r.type IN
                  (''circuit.deprovision_requested'', ''circuit.deprovision_withdrawn'',
                   ''circuit.rejected''))
          ORDER BY sequence DESC LIMIT 1))
     OR delete_when_deprovisioned AND deprovision_requested_at IS NULL'),
('a deleted circuit has its event, is empty and not provisioned; the event deletes',
 'SELECT FROM circuits c WHERE (deleted_at IS NOT NULL) <> EXISTS (SELECT FROM circuit_events e
         WHERE e.circuit_id = c.id AND e.type = ''circuit.deleted'')
     OR deleted_at IS NOT NULL AND (provider_status <> ''NotProvisioned''
         OR EXISTS (SELECT FROM connections k WHERE k.circuit_id = c.id))'),
('a deleted circuit stays deleted, when it was',
 'SELECT FROM circuits c JOIN was_circuits w USING (id)
  WHERE w.deleted_at IS NOT NULL AND c.deleted_at IS DISTINCT FROM w.deleted_at'),
('what happened stays: events',
 'SELECT FROM was_circuit_events w WHERE NOT EXISTS (SELECT FROM circuit_events e
      WHERE e.circuit_id = w.circuit_id AND e.sequence = w.sequence AND e IS NOT DISTINCT FROM w)'),
('what happened stays: refusals',
 'SELECT FROM (SELECT * FROM was_refused_callbacks EXCEPT SELECT * FROM refused_callbacks) AS lost'),
('what happened stays: callbacks of less than 8 days ago',
 'SELECT FROM (SELECT * FROM was_remembered_callbacks EXCEPT SELECT * FROM remembered_callbacks) AS x'),
('what happened stays: acts',
 'SELECT FROM (SELECT * FROM was_acts_of_vnet_owners EXCEPT SELECT * FROM acts_of_vnet_owners) AS x'),
('an attempt stays as long as its delivery',
 'SELECT FROM (SELECT * FROM was_delivery_attempts EXCEPT SELECT * FROM delivery_attempts) AS x
  JOIN delivery_attempts a USING (delivery_id, number)'),
('the graph stays',
 'SELECT FROM ((SELECT * FROM was_provider_transition EXCEPT SELECT * FROM provider_transition)
      UNION ALL (SELECT * FROM provider_transition EXCEPT SELECT * FROM was_provider_transition)) AS x'),
('connections come and go, with their events, and never change',
 'SELECT FROM connections k JOIN was_connections w USING (id)
  WHERE k IS DISTINCT FROM w AND NOT EXISTS (SELECT FROM circuit_events e WHERE e.connection_id = w.id
      AND e.type = ''connection.deleted'')
  UNION ALL SELECT FROM connections k WHERE id NOT IN (SELECT id FROM was_connections)
      AND NOT EXISTS (SELECT FROM circuit_events e WHERE e.connection_id = k.id
          AND e.circuit_id = k.circuit_id AND e.type = ''connection.created'')
  UNION ALL SELECT FROM was_connections w WHERE id NOT IN (SELECT id FROM connections)
      AND NOT EXISTS (SELECT FROM circuit_events e WHERE e.connection_id = w.id
          AND e.circuit_id = w.circuit_id AND e.type = ''connection.deleted'')'),
('an event of a connection is of one that there is or was',
 'SELECT FROM circuit_events e WHERE (left(type, 11) = ''connection.'') <> (connection_id IS NOT NULL)
     OR connection_id IS NOT NULL AND NOT EXISTS (SELECT FROM circuit_events b
         WHERE b.connection_id = e.connection_id AND b.circuit_id = e.circuit_id
               AND b.type = ''connection.created'' AND b.sequence <= e.sequence)
     OR type = ''connection.deleted'' AND connection_id IN (SELECT id FROM connections)
         AND NOT EXISTS (SELECT FROM circuit_events b WHERE b.connection_id = e.connection_id
               AND b.type = ''connection.created'' AND (b.circuit_id <> e.circuit_id
                                                        OR b.sequence > e.sequence))
     OR type = ''connection.created'' AND connection_id NOT IN (SELECT id FROM connections)
         AND NOT EXISTS (SELECT FROM circuit_events b WHERE b.connection_id = e.connection_id
               AND b.type = ''connection.deleted'' AND b.sequence > e.sequence)'),

-- --- tenants ---
('a circuit is what it was',
 'SELECT FROM was_circuits w LEFT JOIN circuits c USING (id) WHERE (c.customer_id, c.partner,
     c.peering_location, c.created_at) IS DISTINCT FROM (w.customer_id, w.partner, w.peering_location,
     w.created_at)'),
('a VNet is what it was, and its version does not fall',
 'SELECT FROM vnets v JOIN was_vnets w ON w.id = v.id OR w.created_at = v.created_at
          AND w.id NOT IN (SELECT id FROM vnets)
  WHERE (v.id, v.customer_id, v.created_at) IS DISTINCT FROM (w.id, w.customer_id, w.created_at)
     OR v.version < w.version'),
('an authorization is what it was',
 'SELECT FROM authorizations a JOIN was_authorizations w ON w.id = a.id
      OR w.created_at = a.created_at AND w.id NOT IN (SELECT id FROM authorizations)
  WHERE (a.id, a.customer_id, a.circuit_id, a.authorization_key, a.created_at)
        IS DISTINCT FROM (w.id, w.customer_id, w.circuit_id, w.authorization_key, w.created_at)'),
('an authorization is of a circuit of its owner',
 'SELECT FROM authorizations a JOIN circuits c ON c.id = a.circuit_id
  WHERE a.customer_id <> c.customer_id'),
('a connection is of the owners of both, or has an authorization of that circuit',
 'SELECT FROM connections k LEFT JOIN circuits c ON c.id = k.circuit_id LEFT JOIN vnets v
     ON v.id = k.vnet_id LEFT JOIN authorizations a ON a.id = k.authorization_id
  WHERE c.customer_id IS DISTINCT FROM k.circuit_customer_id
     OR v.customer_id IS DISTINCT FROM k.vnet_customer_id
     OR k.authorization_id IS NOT NULL AND a.circuit_id IS DISTINCT FROM k.circuit_id
     OR c.customer_id <> v.customer_id AND a.id IS NULL'),
('an authorization serves one connection',
 'SELECT FROM connections WHERE authorization_id IS NOT NULL GROUP BY authorization_id
  HAVING count(*) > 1'),
('who is named in an event owns the VNet of its connection',
 'SELECT FROM circuit_events e JOIN circuits c ON c.id = e.circuit_id
  WHERE e.vnet_customer_id IS NOT NULL AND (e.vnet_customer_id = c.customer_id
     OR e.vnet_customer_id IS DISTINCT FROM coalesce(
         (SELECT k.vnet_customer_id FROM connections k WHERE k.id = e.connection_id),
         (SELECT k.vnet_customer_id FROM was_connections k WHERE k.id = e.connection_id),
         CASE WHEN e.type IN (''connection.created'', ''connection.deleted'')
                   AND EXISTS (SELECT FROM circuit_events b WHERE b.connection_id = e.connection_id
                                   AND b.type = ''connection.deleted'')
              THEN e.vnet_customer_id END))'),
('who acted on another''s circuit is named in the event',
 'SELECT FROM acts_of_vnet_owners a WHERE NOT EXISTS (SELECT FROM circuit_events e
     WHERE e.circuit_id = a.circuit_id AND e.sequence = a.sequence
           AND e.vnet_customer_id = a.customer_id)'),
('a customer, a partner and a place keep their names',
 'SELECT FROM customers c JOIN was_customers w USING (created_at)
      WHERE c.id <> w.id AND w.id NOT IN (SELECT id FROM customers)
  UNION ALL SELECT FROM partners p JOIN was_partners w ON w.name = p.name
          OR w.created_at = p.created_at AND w.name NOT IN (SELECT name FROM partners)
      WHERE (w.name, w.created_at) <> (p.name, p.created_at)
  UNION ALL SELECT FROM peering_locations p JOIN was_peering_locations w USING (metro, site)
      WHERE p.name <> w.name AND (SELECT count(*) FROM peering_locations)
          = (SELECT count(*) FROM was_peering_locations)'),
('what opens a door stays with whom it was given to',
 'SELECT FROM tokens t JOIN was_tokens w ON w.id = t.id OR w.key_id = t.key_id
      WHERE (t.id, t.key_id, t.sha256, t.role, t.customer_id, t.partner, t.created_at)
          IS DISTINCT FROM (w.id, w.key_id, w.sha256, w.role, w.customer_id, w.partner, w.created_at)
         OR w.revoked_at IS NOT NULL AND t.revoked_at IS NULL
  UNION ALL SELECT FROM callback_secrets s JOIN was_callback_secrets w
      ON w.id = s.id OR w.created_at = s.created_at AND w.id NOT IN (SELECT id FROM callback_secrets)
      WHERE (s.id, s.partner, s.created_at) <> (w.id, w.partner, w.created_at)
  UNION ALL SELECT FROM webhook_secrets s JOIN was_webhook_secrets w
      ON w.id = s.id OR w.created_at = s.created_at AND w.id NOT IN (SELECT id FROM webhook_secrets)
      WHERE (s.id, s.endpoint_id, s.created_at) <> (w.id, w.endpoint_id, w.created_at)'),
('an endpoint is what it was, and stays deleted',
 'SELECT FROM webhook_endpoints e JOIN was_webhook_endpoints w
      ON w.id = e.id OR w.created_at = e.created_at
         AND w.id NOT IN (SELECT id FROM webhook_endpoints)
  WHERE (e.id, e.role, e.customer_id, e.partner, e.created_at)
        IS DISTINCT FROM (w.id, w.role, w.customer_id, w.partner, w.created_at)
     OR w.deleted_at IS NOT NULL AND e.deleted_at IS NULL'),

-- --- service keys ---
('a service key is of one circuit, and of none once it is retired',
 'SELECT FROM (SELECT service_key, id FROM circuits
      UNION ALL SELECT service_key, circuit_id FROM retired_service_keys) AS keys
  GROUP BY service_key HAVING count(*) > 1'),
('a key that was a circuit''s is its own still, or retired',
 'SELECT FROM (SELECT service_key, id FROM was_circuits
      UNION ALL SELECT service_key, circuit_id FROM was_retired_service_keys) AS w
  WHERE NOT EXISTS (SELECT FROM circuits c WHERE c.service_key = w.service_key AND c.id = w.id)
    AND NOT EXISTS (SELECT FROM retired_service_keys r WHERE r.service_key = w.service_key
                        AND r.circuit_id = w.id)
  -- One that was never seen here was a circuit''s between two others, of which the first was seen.
  UNION ALL SELECT FROM retired_service_keys r
      WHERE service_key NOT IN (SELECT service_key FROM was_retired_service_keys)
      GROUP BY circuit_id HAVING count(*) FILTER (WHERE service_key NOT IN
          (SELECT service_key FROM was_circuits w WHERE w.id = r.circuit_id)) >= count(*)
  UNION ALL (SELECT FROM (SELECT * FROM was_retired_service_keys
      EXCEPT SELECT * FROM retired_service_keys) AS lost)'),
('a key that was replaced was quoted by nobody, and not while the circuit was being built',
 'SELECT FROM circuits c JOIN was_circuits w USING (id) WHERE c.service_key <> w.service_key
     AND c.last_sequence <= w.last_sequence + 1 -- nothing else has happened since
     AND (c.key_quoted_at IS NOT NULL OR c.provider_status <> ''NotProvisioned'')'),

-- --- the feed and deliveries ---
('the feed goes on where it ended, without gaps',
 'SELECT FROM feed HAVING count(*) <> max(position) - min(position) + 1
  UNION ALL SELECT FROM was_feed w LEFT JOIN feed f USING (position) WHERE f IS DISTINCT FROM w'),
('every event is in the feed, or waits to be, once',
 'SELECT FROM circuit_events e LEFT JOIN (SELECT circuit_id, sequence, at FROM feed
      UNION ALL SELECT circuit_id, sequence, at FROM events_unpublished) AS f USING (circuit_id, sequence)
  GROUP BY e.circuit_id, e.sequence, e.at HAVING count(f.at) <> 1 OR min(f.at) <> e.at'),
('nothing is in the feed, or waits to be, but events, for those whom they concern',
 'SELECT FROM (SELECT circuit_id, sequence, at, customer_id, service_key, vnet_customer_id, partner
      FROM feed UNION ALL SELECT circuit_id, sequence, at, customer_id, service_key, vnet_customer_id,
      partner FROM events_unpublished) AS f
  LEFT JOIN circuits c ON c.id = f.circuit_id
  LEFT JOIN circuit_events e ON e.circuit_id = f.circuit_id AND e.sequence = f.sequence AND e.at = f.at
  WHERE e.id IS NULL OR f.customer_id IS DISTINCT FROM c.customer_id
     OR f.vnet_customer_id IS DISTINCT FROM e.vnet_customer_id
     OR f.partner IS NOT NULL AND f.partner <> c.partner
     OR (f.partner IS NULL) <> (f.service_key IS NULL)'),
('a delivery says what it said, to whom it said it',
 'SELECT FROM deliveries d JOIN was_deliveries w USING (id)
  WHERE (d.endpoint_id, d.queue, d.place, d.created_at, d.circuit_id, d.event_type, d.traceparent, d.body)
        IS DISTINCT FROM (w.endpoint_id, w.queue, w.place, w.created_at, w.circuit_id, w.event_type,
                          w.traceparent, w.body)
  UNION ALL SELECT FROM deliveries d JOIN was_deliveries w USING (endpoint_id, queue, place, body)
  WHERE d.id <> w.id AND w.id NOT IN (SELECT id FROM deliveries)'),

-- --- what follows from other rows ---
('the addresses of a VNet are spread',
 'SELECT FROM ((SELECT id, p::cidr FROM vnets, unnest(address_space) AS p
          EXCEPT SELECT vnet_id, prefix FROM vnet_prefixes)
      UNION ALL (SELECT vnet_id, prefix FROM vnet_prefixes
          EXCEPT SELECT id, p::cidr FROM vnets, unnest(address_space) AS p)) AS x'),
('the addresses on a circuit are those of its VNets',
 'SELECT FROM ((SELECT k.circuit_id, k.vnet_id, p::cidr FROM connections k JOIN vnets v
          ON v.id = k.vnet_id, unnest(v.address_space) AS p
          EXCEPT SELECT circuit_id, vnet_id, prefix FROM circuit_prefixes)
      UNION ALL (SELECT circuit_id, vnet_id, prefix FROM circuit_prefixes
          EXCEPT SELECT k.circuit_id, k.vnet_id, p::cidr FROM connections k JOIN vnets v
          ON v.id = k.vnet_id, unnest(v.address_space) AS p)) AS x'),
('labels follow the tags',
 'SELECT FROM ((SELECT c.id, c.customer_id, c.deleted_at IS NOT NULL, l FROM circuits c,
          jsonb_each_text(tags) AS t, LATERAL (VALUES (key), (key || ''='' || value)) AS v (l)
          EXCEPT SELECT circuit_id, customer_id, deleted, label FROM circuit_labels)
      UNION ALL (SELECT circuit_id, customer_id, deleted, label FROM circuit_labels
          EXCEPT SELECT c.id, c.customer_id, c.deleted_at IS NOT NULL, l FROM circuits c,
          jsonb_each_text(tags) AS t, LATERAL (VALUES (key), (key || ''='' || value)) AS v (l))) AS x'),
('when a circuit changed is noted to the minute',
 'SELECT FROM circuits c FULL JOIN circuit_changes k ON k.circuit_id = c.id
  WHERE c.id IS NULL OR k.deleted IS DISTINCT FROM (c.deleted_at IS NOT NULL)
     OR k.changed_in IS DISTINCT FROM date_trunc(''minute'', c.updated_at)'),
('lists show a circuit as it stands',
 'SELECT FROM circuits WHERE listed_as <> CASE WHEN deleted_at IS NULL THEN provider_status
         ELSE ''Deleted'' END
     OR shown_as <> CASE WHEN key_quoted_at IS NULL THEN '''' ELSE provider_status END
     OR waiting_on <> CASE WHEN deleted_at IS NOT NULL THEN ''nobody''
         WHEN circuit_status = ''Disabled'' THEN ''operator''
         WHEN deprovision_requested_at IS NOT NULL
              OR provider_status IN (''Provisioning'', ''Deprovisioning'') THEN ''partner''
         WHEN provider_status = ''Provisioned'' THEN ''nobody''
         WHEN key_quoted_at IS NOT NULL AND NOT returned THEN ''partner'' ELSE ''customer'' END'),
('a Local circuit is not metered',
 'SELECT FROM circuits WHERE sku_tier = ''Local'' AND sku_family <> ''UnlimitedData'''),
('another catalogue has another name',
 'SELECT WHERE NOT EXISTS (SELECT FROM catalogue_changes c FULL JOIN was_catalogue_changes w
         ON w.id = c.id WHERE c.id IS NULL OR w.id IS NULL)
     AND EXISTS ((TABLE partners EXCEPT TABLE was_partners)
         UNION ALL (TABLE was_partners EXCEPT TABLE partners))
  UNION ALL SELECT WHERE NOT EXISTS (SELECT FROM catalogue_changes c
         FULL JOIN was_catalogue_changes w ON w.id = c.id WHERE c.id IS NULL OR w.id IS NULL)
     AND EXISTS ((TABLE offers EXCEPT TABLE was_offers)
         UNION ALL (TABLE was_offers EXCEPT TABLE offers))
  UNION ALL SELECT WHERE NOT EXISTS (SELECT FROM catalogue_changes c
         FULL JOIN was_catalogue_changes w ON w.id = c.id WHERE c.id IS NULL OR w.id IS NULL)
     AND EXISTS ((TABLE peering_locations EXCEPT TABLE was_peering_locations)
         UNION ALL (TABLE was_peering_locations EXCEPT TABLE peering_locations))'),
('there is one row of settings',
 'SELECT FROM settings HAVING count(*) <> 1');

-- --- what the schema declares, recounted though nothing enforce it any more ---
INSERT INTO rules (name, breach)
SELECT format('%s: %s', conrelid::regclass, conname),
       format('SELECT FROM %s AS r WHERE %s AND NOT EXISTS (SELECT FROM %s AS f WHERE %s)',
              conrelid::regclass,
              (SELECT string_agg(format('r.%I IS NOT NULL', attname), ' AND ')
               FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)),
              confrelid::regclass,
              (SELECT string_agg(format('r.%I = f.%I', a.attname, b.attname), ' AND ')
               FROM unnest(conkey, confkey) AS pair (k, f)
               JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k
               JOIN pg_attribute b ON b.attrelid = confrelid AND b.attnum = f))
FROM pg_constraint
WHERE connamespace = 'onramp'::regnamespace AND contype = 'f' AND conparentid = 0;
INSERT INTO rules (name, breach)
SELECT format('%s: %s', conrelid::regclass, conname),
       format('SELECT FROM %s WHERE NOT %s', conrelid::regclass,
              regexp_replace(pg_get_constraintdef(oid), '^CHECK|NOT VALID$', '', 'g'))
FROM pg_constraint
WHERE connamespace = 'onramp'::regnamespace AND contype = 'c' AND conrelid <> 0 AND conparentid = 0;
INSERT INTO rules (name, breach)
SELECT format('%s.%s: %s', a.attrelid::regclass, a.attname, d.conname),
       format('SELECT FROM %s WHERE %I IS NOT NULL AND NOT %s', a.attrelid::regclass, a.attname,
              regexp_replace(substr(pg_get_constraintdef(d.oid), 6), '\mVALUE\M',
                             quote_ident(a.attname), 'g'))
FROM pg_constraint d
JOIN pg_attribute a ON a.atttypid = d.contypid
JOIN pg_class c ON c.oid = a.attrelid
WHERE d.connamespace = 'onramp'::regnamespace AND d.contype = 'c' AND c.relkind IN ('r', 'p')
      AND NOT c.relispartition AND c.relnamespace = 'onramp'::regnamespace;
INSERT INTO rules (name, breach)
SELECT format('%s: %s', i.indrelid::regclass, c.relname),
       format('SELECT FROM %s WHERE %s%s GROUP BY %s HAVING count(*) > 1', i.indrelid::regclass,
              coalesce(pg_get_expr(i.indpred, i.indrelid), 'true'),
              CASE WHEN NOT i.indnullsnotdistinct THEN
                  (SELECT string_agg(format(' AND %I IS NOT NULL', attname), '') FROM pg_attribute
                   WHERE attrelid = i.indrelid AND attnum = ANY (i.indkey)) END,
              (SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
               WHERE attrelid = i.indrelid AND attnum = ANY (i.indkey)))
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
WHERE i.indisunique AND t.relnamespace = 'onramp'::regnamespace AND NOT t.relispartition;
INSERT INTO rules (name, breach)
SELECT format('%s: nothing is null that may not be', attrelid::regclass),
       format('SELECT FROM %s WHERE %s', attrelid::regclass,
              string_agg(format('%I IS NULL', attname), ' OR '))
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE relnamespace = 'onramp'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
      AND attnum > 0 AND attnotnull
GROUP BY attrelid;

UPDATE rules SET declared = true WHERE ctid > (SELECT ctid FROM rules WHERE name = 'there is one row of settings');

-- All of a kind in one query, whose plan is kept. What the schema declares PostgreSQL keeps itself, and
-- the recount of it costs as much as that of all others: it is for the long form, and for when a
-- declaration was dropped.
DO $$
DECLARE
    v_declared boolean;
BEGIN
    FOREACH v_declared IN ARRAY ARRAY[false, true] LOOP
        EXECUTE format(
            'CREATE FUNCTION recount.%s() RETURNS text LANGUAGE plpgsql SECURITY DEFINER '
            'SET search_path = recount, onramp, public SET plan_cache_mode = force_generic_plan '
            'SET jit = off SET constraint_exclusion = off AS $f$ BEGIN SET CONSTRAINTS ALL IMMEDIATE; '
            'RETURN array_to_string(ARRAY[%s], ''; ''); END $f$',
            CASE WHEN v_declared THEN 'undeclared' ELSE 'broken' END,
            (SELECT string_agg(format('CASE WHEN EXISTS (%s) THEN %L END', breach, name), ', ')
             FROM recount.rules WHERE declared = v_declared));
    END LOOP;
END
$$;
GRANT USAGE ON SCHEMA recount TO PUBLIC;
