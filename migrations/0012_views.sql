-- SPDX-License-Identifier: Apache-2.0
-- Row types of the API: outcome and facts first, then the columns of the resource, in the order in
-- which the daemon writes them. Functions return rows of these; a view grows at its end.

-- A time inside jsonb, where the daemon does not write it: RFC 3339, UTC, milliseconds.
CREATE FUNCTION time_shown(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
COMMENT ON FUNCTION time_shown(timestamptz) IS 'The time as answers show it.';

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
       k.authorization_id, k.created_at
FROM connections k JOIN circuits c ON c.id = k.circuit_id;
COMMENT ON VIEW connection_view IS 'A connection, as answered.';

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
