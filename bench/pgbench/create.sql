-- SPDX-License-Identifier: Apache-2.0
-- As the daemon sends it for a request with an Idempotency-Key.
\set k random(1, :acting)
\set creates :creates + 1
SELECT * FROM onramp.conditional_call(
    (SELECT r FROM onramp.circuit_create('(customer,customer,,,,)',
        ('00000000-0000-7000-8001-' || lpad(to_hex(:k::int * 10), 12, '0'))::uuid, 'bench',
        'equinix', 'Amsterdam', 1000, 'Standard', 'MeteredData', '{}') r
     WHERE false),
    'circuit_create',
    ARRAY['(customer,customer,,,,)', '00000000-0000-7000-8001-' || lpad(to_hex(:k::int * 10), 12, '0'), 'bench', 'equinix',
          'Amsterdam', '1000', 'Standard', 'MeteredData', '{}'],
    NULL, NULL, ('00000000-0000-7000-8001-' || lpad(to_hex(:k::int * 10), 12, '0'))::uuid,
    'customer:00000000-0000-7000-8001-' || lpad(to_hex(:k::int * 10), 12, '0'),
    'create-' || :turn::text || '-' || :client_id::text || '-' || :creates::text,
    '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', NULL, NULL, NULL);
