-- SPDX-License-Identifier: Apache-2.0
-- Each client connects a VNet to a circuit of its own, as the daemon sends it for a request with an
-- Idempotency-Key, then deletes the connection.
\set connects :connects + 1
\set k mod(:client_id, :acting)
\if :acting / :clients > 1
\set k :k + :clients * mod((:connects - 1) / 2, :acting / :clients)
\endif
\set n :k * 10 * :each + :each * 9 + 1 + :client_id / :acting
\if mod(:connects, 2) = 1
SELECT * FROM onramp.conditional_call(
    (SELECT r FROM onramp.connection_create('(customer,customer,,,,)',
        ('00000000-0000-7000-8001-' || lpad(to_hex((:k::int + 1) * 10), 12, '0'))::uuid,
        ('00000000-0000-7000-8002-' || lpad(to_hex(:n::int), 12, '0'))::uuid,
        ('00000000-0000-7000-8003-' || lpad(to_hex(:k::int + 1), 12, '0'))::uuid, NULL) r
     WHERE false),
    'connection_create',
    ARRAY['(customer,customer,,,,)', '00000000-0000-7000-8001-' || lpad(to_hex((:k::int + 1) * 10), 12, '0'),
          '00000000-0000-7000-8002-' || lpad(to_hex(:n::int), 12, '0'),
          '00000000-0000-7000-8003-' || lpad(to_hex(:k::int + 1), 12, '0'),
          NULL],
    NULL, NULL, ('00000000-0000-7000-8001-' || lpad(to_hex((:k::int + 1) * 10), 12, '0'))::uuid,
    'customer:00000000-0000-7000-8001-' || lpad(to_hex((:k::int + 1) * 10), 12, '0'),
    'connect-' || :turn::text || '-' || :client_id::text || '-' || :connects::text,
    '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', NULL, NULL, NULL)
\gset made_
\else
SELECT * FROM onramp.connection_delete('(customer,customer,,,,)',
    :made_id::uuid,
    ('00000000-0000-7000-8001-' || lpad(to_hex((:k::int + 1) * 10), 12, '0'))::uuid);
\endif
