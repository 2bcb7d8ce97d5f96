-- SPDX-License-Identifier: Apache-2.0
-- Each client connects a VNet to a circuit of its own, then deletes the connection.
\set turn :turn + 1
\set k mod(:client_id, :acting)
\if :acting / :clients > 1
\set k :k + :clients * mod((:turn - 1) / 2, :acting / :clients)
\endif
\set n :k * 100 + 91 + :client_id / :acting
\if mod(:turn, 2) = 1
SELECT * FROM onramp.connection_create(('00000000-0000-7000-8001-' || lpad(to_hex((:k::int + 1) * 10), 12, '0'))::uuid, ('00000000-0000-7000-8002-' || lpad(to_hex(:n::int), 12, '0'))::uuid, ('00000000-0000-7000-8003-' || lpad(to_hex(:k::int + 1), 12, '0'))::uuid, 'customer', 'customer') \gset made_
\else
SELECT * FROM onramp.connection_delete(:made_id::uuid, ('00000000-0000-7000-8001-' || lpad(to_hex((:k::int + 1) * 10), 12, '0'))::uuid, 'customer', 'customer');
\endif
