-- SPDX-License-Identifier: Apache-2.0
-- The rows that are measured on: :customers customers with :each circuits each on average. Ten
-- customers and their circuits are a block. The last customer of a block acts: it has a VNet with a
-- gateway and six tenths of the block's circuits, of which the block's last tenth is Provisioned;
-- the other nine share the first four tenths. Ids are made of numbers, and so are times: circuits were
-- ordered evenly over two years, and provisioned an hour later.
\set ON_ERROR_STOP on
\timing off
SET synchronous_commit = off;

INSERT INTO customers (id, name)
SELECT ('00000000-0000-7000-8001-' || lpad(to_hex(n), 12, '0'))::uuid, 'customer ' || n
FROM generate_series(1, :customers) n;

-- Circuits as they stand after their events, and the events, without the triggers and foreign keys
-- that would see to it one by one. Nothing of this is news for the feed.
SET ROLE NONE;
SET session_replication_role = replica;
SET search_path = onramp;
DO $$
BEGIN
    PERFORM event_month_add(month::date)
    FROM generate_series(date_trunc('month', now() - interval '2 years'), now(),
                         interval '1 month') AS month
    WHERE month::date NOT IN (SELECT month FROM event_months);
END
$$;
SELECT now() AS filled_at \gset
CREATE TEMPORARY VIEW numbered AS
SELECT n, (n - 1) % (:each * 10) >= :each * 9 AS provisioned,
       :'filled_at'::timestamptz - interval '2 hours'
           - interval '2 years' * (1 - n::float8 / (:customers * :each)) AS ordered_at
FROM generate_series(1, :customers * :each) n;

INSERT INTO circuits (id, customer_id, service_key, name, partner, peering_location, bandwidth_mbps,
                      sku_tier, sku_family, vnet_limit, last_sequence, provider_status,
                      previous_status, listed_as, waiting_on, provisioned_at, created_at,
                      updated_at, since, service_key_issued_at)
SELECT ('00000000-0000-7000-8002-' || lpad(to_hex(n), 12, '0'))::uuid,
       ('00000000-0000-7000-8001-' || lpad(to_hex(
           (n - 1) / (:each * 10) * 10
           + CASE WHEN (n - 1) % (:each * 10) >= :each * 4 THEN 10 ELSE 1 + n % 9 END),
           12, '0'))::uuid,
       ('00000000-0000-4000-8004-' || lpad(to_hex(n), 12, '0'))::uuid,
       'circuit ' || n, 'equinix', 'Amsterdam', 1000, 'Standard', 'MeteredData', limits.vnets,
       CASE WHEN provisioned THEN 2 ELSE 1 END, status, 'NotProvisioned', status,
       CASE WHEN provisioned THEN 'nobody' ELSE 'customer' END,
       CASE WHEN provisioned THEN last_at END, ordered_at, last_at, last_at, ordered_at
FROM numbered,
     LATERAL (SELECT CASE WHEN provisioned THEN 'Provisioned' ELSE 'NotProvisioned' END,
                     CASE WHEN provisioned THEN ordered_at + interval '1 hour'
                          ELSE ordered_at END) s (status, last_at),
     (SELECT vnets FROM vnet_limits WHERE tier = 'Standard' AND bandwidth_mbps = 1000) limits;

INSERT INTO circuit_events
    (circuit_id, sequence, at, type, from_status, to_status, actor_role, actor_name)
SELECT ('00000000-0000-7000-8002-' || lpad(to_hex(n), 12, '0'))::uuid, event.*
FROM numbered,
     LATERAL (VALUES (1, ordered_at, 'circuit.created', 'NotProvisioned', 'NotProvisioned',
                      'customer'::actor, 'customer'),
                     (2, ordered_at + interval '1 hour', 'circuit.provisioned', 'NotProvisioned',
                      'Provisioned', 'partner'::actor, 'equinix')) AS event (sequence)
WHERE event.sequence = 1 OR provisioned;
INSERT INTO circuit_changes (circuit_id, changed_in)
SELECT id, minute_of(updated_at) FROM circuits;
SET session_replication_role = origin;

INSERT INTO vnets (id, customer_id, name, address_space, gateway_subnet)
SELECT ('00000000-0000-7000-8003-' || lpad(to_hex(n), 12, '0'))::uuid,
       ('00000000-0000-7000-8001-' || lpad(to_hex(n * 10), 12, '0'))::uuid,
       'vnet ' || n, '{10.1.0.0/16}', '10.1.255.0/27'
FROM generate_series(1, :customers / 10) n;

-- Not the empty tables: the planner would take them for empty for good, and read them whole.
VACUUM ANALYZE onramp.customers, onramp.circuits, onramp.circuit_events, onramp.circuit_changes,
    onramp.vnets, onramp.vnet_prefixes;
CHECKPOINT;
