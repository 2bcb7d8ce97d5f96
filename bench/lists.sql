-- SPDX-License-Identifier: Apache-2.0
-- The rows that lists are measured on: :circuits circuits of three years, common and rare values of
-- everything that is filtered by, and what hangs on them. Run as a superuser; the triggers do not
-- fire, so that a million takes a minute, and what they keep is written here.
\set ON_ERROR_STOP on
\timing off
SET synchronous_commit = off;
SET session_replication_role = replica;
SET search_path = onramp, public;
SET work_mem = '256MB';
DO $$ BEGIN PERFORM setseed(0.5); END $$;

-- Number 1 owns a fifth of all circuits, number 2 a hundredth, number 3 ten, the others the rest.
CREATE TEMP TABLE scale AS
SELECT :circuits::int AS circuits, greatest(:circuits / 200, 20)::int AS customers;
CREATE FUNCTION pg_temp.numbered(p_kind text, p_n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
RETURN ('01000000-0000-7000-' || p_kind || '-' || lpad(to_hex(p_n), 12, '0'))::uuid;
CREATE FUNCTION pg_temp.id_at(p_at timestamptz, p_n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
RETURN (overlay(lpad(to_hex((date_part('epoch', p_at) * 1000)::bigint), 12, '0')
                PLACING '-' FROM 9 FOR 0)
        || '-7000-8000-' || lpad(to_hex(p_n), 12, '0'))::uuid;

INSERT INTO customers (id, name)
SELECT pg_temp.numbered('8001', n), 'customer ' || n
FROM scale, generate_series(1, customers) n;
INSERT INTO peering_locations (name, metro, zone, site)
SELECT 'Site ' || n, 'Site ' || n, 1, 'Building ' || n FROM generate_series(1, 100) n;
INSERT INTO partners (name, display_name)
SELECT 'partner-' || n, 'Partner ' || n FROM generate_series(1, 150) n;
INSERT INTO offers (partner, peering_location, bandwidths_mbps)
SELECT 'partner-' || p, 'Site ' || s, '{50,1000}' FROM generate_series(1, 150) p,
       generate_series(1, 100) s WHERE p <= 2 OR s % 20 = p % 20;

-- Partner 1 has two fifths; partner 150 has five circuits, and so has site 100.
INSERT INTO circuits (id, customer_id, service_key, last_sequence, created_at, updated_at, since,
                      due_at, key_quoted_at, deprovision_requested_at, deleted_at, bandwidth_mbps,
                      vnet_limit, used, returned, stalled, provider_status, previous_status,
                      listed_as, shown_as, waiting_on, circuit_status, sku_tier, sku_family,
                      partner, peering_location, name, tags)
SELECT pg_temp.id_at(created, n), customer, pg_temp.numbered('8004', n), 3, created,
       changed + (now() - changed) * random() ^ 4 * 0.2, changed,
       CASE WHEN waits = 'partner' AND NOT late THEN changed + interval '72 hours'
            ELSE 'infinity' END,
       CASE WHEN quoted THEN created + interval '1 hour' END,
       CASE WHEN asked THEN changed END, CASE WHEN gone THEN changed END, 1000, 10, 0, back,
       waits = 'partner' AND late, status, 'NotProvisioned',
       CASE WHEN gone THEN 'Deleted' ELSE status END,
       CASE WHEN quoted THEN status ELSE '' END, waits, switch, 'Standard', 'MeteredData', partner,
       site, 'circuit ' || n,
       CASE WHEN n % 2 = 0 THEN '{}'
            ELSE jsonb_build_object('env', CASE WHEN n % 3 = 0 THEN 'test' ELSE 'prod' END, 'team',
                                    't' || n % 997)
                 || CASE WHEN n % (:circuits / 5) = 1 THEN '{"rare": "yes"}'::jsonb
                         ELSE '{}' END END
FROM (SELECT *, waits_for(switch, status, asked, quoted, back, gone) AS waits
      FROM (SELECT *, pg_temp.numbered('8001',
                       CASE WHEN n % 5 = 0 THEN 1 WHEN n % 100 = 1 THEN 2
                            WHEN n % (:circuits / 10) = 2 THEN 3
                            ELSE 4 + (n * 7919) % (customers - 3) END) AS customer,
                   CASE WHEN gone THEN 'NotProvisioned' WHEN dice < 0.86 THEN 'Provisioned'
                        WHEN dice < 0.96 THEN 'NotProvisioned' WHEN dice < 0.995 THEN 'Provisioning'
                        ELSE 'Deprovisioning' END AS status,
                   CASE WHEN n % 200 = 7 AND NOT gone THEN 'Disabled'
                        ELSE 'Enabled' END AS switch,
                   gone OR dice < 0.86 OR dice > 0.9 AS quoted,
                   dice > 0.95 AND dice < 0.96 AS back,
                   dice < 0.001 AS asked, random() < 0.02 AS late,
                   created + (now() - created) * random() ^ 3 AS changed,
                   'partner-' || CASE WHEN n % (:circuits / 5) = 3 THEN 150 WHEN n % 5 < 2 THEN 1
                                      ELSE 2 + (n * 104729) % 148 END AS partner,
                   'Site ' || CASE WHEN n % (:circuits / 5) = 4 THEN 100 WHEN n % 10 < 3 THEN 1
                                   ELSE 2 + (n * 15485863) % 98 END AS site
            FROM (SELECT n, random() AS dice, random() < 0.1 AS gone,
                         now() - interval '3 years' * (1 - n::float / :circuits) AS created
                  FROM generate_series(1::bigint, :circuits) n) AS numbered, scale) AS thrown)
    AS made;

-- As the publisher and the triggers would have it.
INSERT INTO circuit_events (circuit_id, sequence, type, from_status, to_status, actor_role,
                            actor_name)
SELECT id, 3, 'circuit.progress', provider_status, provider_status, 'partner', partner
FROM circuits;
INSERT INTO circuit_labels (circuit_id, customer_id, deleted, label)
SELECT id, customer_id, deleted_at IS NOT NULL, label FROM circuits, labels_of(tags) AS label;
INSERT INTO circuit_changes (circuit_id, changed_in, deleted)
SELECT id, minute_of(updated_at), deleted_at IS NOT NULL FROM circuits;
-- One with a long history.
INSERT INTO circuit_events (circuit_id, sequence, type, from_status, to_status, actor_role,
                            actor_name)
SELECT id, n, 'circuit.progress', provider_status, provider_status, 'partner', partner
FROM (SELECT * FROM circuits ORDER BY id LIMIT 1) AS first, scale,
     generate_series(4, scale.circuits / 4) n;

-- Two VNets for three circuits; each is connected to one circuit of its owner.
INSERT INTO vnets (id, customer_id, name, address_space, gateway_subnet, used)
SELECT pg_temp.id_at(created_at, 0), customer_id, name, '{10.1.0.0/16}', '10.1.255.0/27', 1
FROM circuits WHERE right(name, 1) IN ('0', '1', '3', '4', '6', '7');
INSERT INTO connections (id, circuit_id, vnet_id, circuit_customer_id, vnet_customer_id)
SELECT pg_temp.id_at(c.created_at, 1), c.id, pg_temp.id_at(c.created_at, 0), customer_id,
       customer_id
FROM circuits c WHERE right(name, 1) IN ('0', '1', '3', '4', '6', '7') AND deleted_at IS NULL;

-- Most tokens are revoked; number 1 holds a tenth of them.
INSERT INTO tokens (id, key_id, sha256, role, customer_id, revoked_at)
SELECT pg_temp.id_at(now() - interval '3 years' * (1 - n / 1e5), n), 'key' || n,
       sha256(n::text::bytea), 'customer',
       pg_temp.numbered('8001', CASE WHEN n % 10 = 0 THEN 1 ELSE 4 + n % 10 END),
       CASE WHEN n BETWEEN 100 AND 95000 THEN now() END
FROM scale, generate_series(1, least(scale.circuits / 10, 100000)) n;

SET session_replication_role = origin;
VACUUM ANALYZE customers, circuits, circuit_events, circuit_labels, circuit_changes, vnets,
    connections, tokens, partners, offers, peering_locations;
