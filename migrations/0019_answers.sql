-- SPDX-License-Identifier: Apache-2.0
-- Row types of the API: outcome and facts first, then the columns of the resource, in the order in
-- which the daemon writes them. Functions return rows of these; a view grows at its end.

CREATE TYPE verdict AS (outcome text, facts jsonb);
COMMENT ON TYPE verdict IS 'What a function answers that returns no resource.';
COMMENT ON COLUMN verdict.outcome IS '''ok'', or the code of the refusal.';
COMMENT ON COLUMN verdict.facts IS 'Members of the problem answer.';
CREATE TYPE list_position AS (at timestamptz, id uuid);
COMMENT ON TYPE list_position IS 'Where a page of a list ended.';
COMMENT ON COLUMN list_position.at IS 'In lists in order of a time; null in those of id alone.';
COMMENT ON COLUMN list_position.id IS 'The last row.';

CREATE VIEW customer_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, id, name, created_at
FROM customers;
COMMENT ON VIEW customer_view IS 'A customer, as answered.';

CREATE VIEW partner_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, p.name, p.display_name,
       coalesce((SELECT jsonb_agg(jsonb_build_object('peeringLocation', o.peering_location,
                                                     'bandwidthsMbps', o.bandwidths_mbps)
                                  ORDER BY o.peering_location)
                 FROM offers o WHERE o.partner = p.name), '[]') AS offers,
       p.created_at, p.updated_at
FROM partners p;
COMMENT ON VIEW partner_view IS 'A partner with its offers, as answered.';

CREATE VIEW peering_location_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts,
       l.name, l.metro, l.zone::integer AS zone, l.site,
       to_jsonb(l.local_regions) AS local_regions, l.direct,
       coalesce((SELECT jsonb_agg(o.partner ORDER BY o.partner)
                 FROM offers o WHERE o.peering_location = l.name), '[]') AS partners
FROM peering_locations l;
COMMENT ON VIEW peering_location_view IS 'A peering location with its partners, as answered.';

CREATE VIEW token_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts,
       id, role, customer_id, partner, description, key_id, created_at, expires_at
FROM tokens;
COMMENT ON VIEW token_view IS 'A token without its secret, as answered.';

CREATE VIEW token_check_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, t.id, encode(t.sha256, 'hex') AS sha256, t.role,
       t.customer_id, t.partner,
       CASE t.role
           WHEN 'customer' THEN (SELECT c.name FROM customers c WHERE c.id = t.customer_id)
           WHEN 'partner' THEN t.partner
           ELSE coalesce(nullif(t.description, ''), 'operator')
       END AS name,
       t.expires_at
FROM tokens t;
COMMENT ON VIEW token_check_view IS
    'What the daemon needs to recognise a token and name its holder.';

CREATE VIEW callback_secret_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, id, secret, expires_at, created_at
FROM callback_secrets;
COMMENT ON VIEW callback_secret_view IS
    'A callback secret, for issuing and for checking signatures.';

CREATE VIEW circuit_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts,
       id, name, customer_id, partner, peering_location, bandwidth_mbps, sku_tier, sku_family,
       service_key, service_key_issued_at, key_quoted_at,
       circuit_status, provider_status, waiting_on, since, stalled,
       last_rejection, partner_note, partner_reference, expected_by, primary_port, secondary_port,
       s_tag,
       deprovision_requested_at, delete_when_deprovisioned, used AS connections_used,
       vnet_limit AS connections_limit, provisioned_at, deprovisioned_at, deleted_at, tags,
       last_sequence AS version, created_at, updated_at
FROM circuits;
COMMENT ON VIEW circuit_view IS 'A circuit, as its customer and operators see it.';

CREATE VIEW partner_circuit_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts,
       id, service_key, peering_location, bandwidth_mbps, sku_tier, sku_family, circuit_status,
       provider_status, waiting_on, since, stalled,
       deprovision_requested_at,
       last_rejection, partner_note, partner_reference, expected_by, primary_port, secondary_port,
       s_tag, key_quoted_at,
       last_sequence AS version
FROM circuits;
COMMENT ON VIEW partner_circuit_view IS 'A circuit, as its partner sees it.';

CREATE VIEW callback_view AS
SELECT outcome, facts,
       true AS applied, 'applied'::text AS reason, NULL::timestamptz AS newest_timestamp,
       id, service_key, peering_location, bandwidth_mbps, sku_tier, sku_family, circuit_status,
       provider_status, waiting_on, since, stalled, deprovision_requested_at, last_rejection,
       partner_note, partner_reference, expected_by, primary_port, secondary_port, s_tag,
       key_quoted_at, version
FROM partner_circuit_view;
COMMENT ON VIEW callback_view IS 'What a callback came to, and the circuit as its partner sees it.';

-- The order of a circuit has nothing before it: from is null there, though the row names an edge.
CREATE VIEW event_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, e.id, e.circuit_id, e.sequence, e.type, e.at,
       e.occurred_at, e.actor_role, e.actor_name,
       CASE WHEN e.sequence > 1 THEN e.from_status END AS from_status, e.to_status,
       coalesce(e.reason, t.sentence) AS reason
FROM circuit_events e
JOIN provider_transition t
  ON t.from_status = e.from_status AND t.event = e.type AND t.to_status = e.to_status;
COMMENT ON VIEW event_view IS 'An event of a circuit, as answered.';

CREATE VIEW vnet_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, id, customer_id, name,
       to_jsonb(address_space) AS address_space, gateway_subnet, used AS circuits_used,
       4 AS circuits_limit, tags, version, created_at, updated_at
FROM vnets;
COMMENT ON VIEW vnet_view IS 'A VNet, as answered.';

CREATE VIEW connection_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, k.id, k.circuit_id, k.vnet_id,
       CASE WHEN c.provider_status = 'Provisioned' AND c.circuit_status = 'Enabled'
            THEN 'Connected' ELSE 'Down' END AS status,
       k.authorization_id, k.created_at,
       to_jsonb(v.address_space) AS address_space, c.peering_location, c.bandwidth_mbps
FROM connections k
JOIN circuits c ON c.id = k.circuit_id
JOIN vnets v ON v.id = k.vnet_id;
COMMENT ON VIEW connection_view IS 'A connection, as answered.';

-- The key is kept as it is, as service keys are: its owner reads it again in lists, it opens
-- nothing but one connection to one circuit, and it is void as soon as it is deleted.
CREATE VIEW authorization_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, a.id, a.name::text AS name, a.authorization_key,
       CASE WHEN k.id IS NULL THEN 'Available' ELSE 'InUse' END AS status,
       k.id AS connection_id, a.created_at
FROM authorizations a LEFT JOIN connections k ON k.authorization_id = a.id;
COMMENT ON VIEW authorization_view IS 'An authorization, as answered.';

-- One more column than event_view for the cursor, and the key, which partners alone are told.
CREATE VIEW feed_event_view AS
SELECT e.outcome, e.facts, f.position, e.id, e.circuit_id, e.sequence, e.type, e.at, e.occurred_at,
       e.actor_role, e.actor_name, e.from_status, e.to_status, e.reason, f.service_key
FROM feed f
JOIN event_view e ON e.circuit_id = f.circuit_id AND e.sequence = f.sequence AND e.at = f.at;
COMMENT ON VIEW feed_event_view IS 'An event of the feed, as answered.';

CREATE VIEW feed_tail_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, position, circuit_id, customer_id,
       vnet_customer_id, partner
FROM feed;
COMMENT ON VIEW feed_tail_view IS 'Where an event stands in the feed, and who hears it.';

CREATE VIEW webhook_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, id, url::text AS url,
       to_jsonb(event_types) AS event_types, description, disabled_at IS NULL AS enabled,
       disabled_at, disabled_reason, created_at
FROM webhook_endpoints;
COMMENT ON VIEW webhook_view IS 'A webhook endpoint, as answered.';

\ir functions/time_shown.sql
CREATE VIEW delivery_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, d.id, d.event_type, d.circuit_id,
       d.status::text AS status,
       coalesce((SELECT jsonb_agg(jsonb_build_object('at', time_shown(a.at), 'status', a.status,
                                      'latencyMs', a.latency_ms, 'error', a.error,
                                      'response', a.response) ORDER BY a.number)
                 FROM delivery_attempts a WHERE a.delivery_id = d.id), '[]') AS attempts,
       CASE WHEN d.status = 'pending'
            THEN (SELECT q.due_at
                  FROM delivery_queue q JOIN delivery_turns t ON t.endpoint_id = q.endpoint_id
                  WHERE q.endpoint_id = d.endpoint_id AND q.queue = d.queue AND q.place = d.place
                        AND q.head AND NOT q.leased AND t.open)
       END AS next_attempt_at,
       d.created_at
FROM deliveries d;
COMMENT ON VIEW delivery_view IS 'A delivery with its attempts, as answered.';

-- The columns of a view are those of its tables, whose comments say what they are; the two that are
-- not are the same everywhere.
DO $$
DECLARE
    v_column record;
BEGIN
    FOR v_column IN
        SELECT a.attrelid::regclass AS view, a.attname AS name
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'onramp'::regnamespace AND c.relkind = 'v'
            AND a.attname IN ('outcome', 'facts')
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', v_column.view, v_column.name,
                       CASE v_column.name WHEN 'outcome' THEN '''ok'', or the code of a refusal.'
                                          ELSE 'Members of the problem answer to a refusal.' END);
    END LOOP;
END
$$;

-- For the daemon's own use.
CREATE VIEW seal_key_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, id, proof,
       EXISTS (SELECT FROM callback_secrets s WHERE s.key_id = k.id)
           OR EXISTS (SELECT FROM webhook_secrets s WHERE s.key_id = k.id) AS used
FROM seal_keys k;
COMMENT ON VIEW seal_key_view IS 'A key by its id, and whether any secret is sealed with it.';

CREATE VIEW sealed_secret_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, id, 'callback:' || partner AS context, secret
FROM callback_secrets
UNION ALL
SELECT 'ok', NULL, s.id, 'webhook:' || w.owner, s.secret
FROM webhook_secrets s JOIN webhook_endpoints w ON w.id = s.endpoint_id;
COMMENT ON VIEW sealed_secret_view IS 'A secret, and for whom it is sealed.';

CREATE TYPE limit_shown AS (
    outcome text, facts jsonb, name text, scope text, peering_location text, tier text,
    bandwidth_mbps integer, used bigint, quota bigint, rule text);
COMMENT ON TYPE limit_shown IS 'A quota with what is used of it, as answered.';
COMMENT ON COLUMN limit_shown.outcome IS '''ok'', or the code of a refusal.';
COMMENT ON COLUMN limit_shown.facts IS 'Members of the problem answer to a refusal.';
COMMENT ON COLUMN limit_shown.name IS 'Which quota.';
COMMENT ON COLUMN limit_shown.scope IS 'Of what: customer, peering_location, circuit or vnet.';
COMMENT ON COLUMN limit_shown.peering_location IS 'Where, if it is about a location.';
COMMENT ON COLUMN limit_shown.tier IS 'Of which tier, if it is about circuits of one.';
COMMENT ON COLUMN limit_shown.bandwidth_mbps IS 'Of which bandwidth, likewise.';
COMMENT ON COLUMN limit_shown.used IS 'What is used: of several, the highest.';
COMMENT ON COLUMN limit_shown.quota IS 'The limit; null: none is set.';
COMMENT ON COLUMN limit_shown.rule IS 'The rule in words.';

CREATE TYPE recovery AS (outcome text, facts jsonb, recovered integer, resume_since timestamptz);
COMMENT ON TYPE recovery IS 'How much is delivered again, as answered.';
COMMENT ON COLUMN recovery.outcome IS '''ok'', or the code of a refusal.';
COMMENT ON COLUMN recovery.facts IS 'Members of the problem answer to a refusal.';
COMMENT ON COLUMN recovery.recovered IS 'How many deliveries are pending now that were not.';
COMMENT ON COLUMN recovery.resume_since IS 'Where to go on when that was not all; null: it was.';

CREATE TYPE delivery_claim_view AS (
    outcome text, facts jsonb, id uuid, fence bigint, endpoint_id uuid, url text, secrets jsonb,
    event_type text, body text, attempts integer, first_at timestamptz, traceparent text,
    due_in_ms bigint, owner text);
COMMENT ON TYPE delivery_claim_view IS
    'A delivery that was claimed, or, without an id, when the next one is due.';
COMMENT ON COLUMN delivery_claim_view.outcome IS '''ok''.';
COMMENT ON COLUMN delivery_claim_view.facts IS 'Null.';
COMMENT ON COLUMN delivery_claim_view.id IS 'The delivery; null: nothing is due.';
COMMENT ON COLUMN delivery_claim_view.fence IS 'To be given back when the attempt is recorded.';
COMMENT ON COLUMN delivery_claim_view.endpoint_id IS 'The endpoint.';
COMMENT ON COLUMN delivery_claim_view.url IS 'Where to.';
COMMENT ON COLUMN delivery_claim_view.secrets IS 'Live secrets, sealed, the newest first.';
COMMENT ON COLUMN delivery_claim_view.event_type IS 'What happened.';
COMMENT ON COLUMN delivery_claim_view.body IS 'What to send.';
COMMENT ON COLUMN delivery_claim_view.attempts IS 'Attempts made before this one.';
COMMENT ON COLUMN delivery_claim_view.first_at IS
    'Since when it is to be delivered: since the event or, if it was asked for again, since then.';
COMMENT ON COLUMN delivery_claim_view.traceparent IS 'The trace that it belongs to.';
COMMENT ON COLUMN delivery_claim_view.due_in_ms IS
    'Without an id: in how many milliseconds something is due; null: nothing is.';
COMMENT ON COLUMN delivery_claim_view.owner IS
    'What the secrets are sealed for, as webhook_endpoints.owner.';

CREATE TYPE month_kept AS (outcome text, facts jsonb, kept_days int, month date, events bigint,
                           bytes bigint, expires_at timestamptz, expired boolean);
COMMENT ON TYPE month_kept IS 'A month of histories: how much is in it, and until when.';
