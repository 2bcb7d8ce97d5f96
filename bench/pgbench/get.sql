-- SPDX-License-Identifier: Apache-2.0
\set k random(1, :acting)
\set n (:k - 1) * 10 * :each + :each * 4 + random(1, :each * 6)
SELECT * FROM onramp.circuit_get(
    ('00000000-0000-7000-8002-' || lpad(to_hex(:n::int), 12, '0'))::uuid,
    ('00000000-0000-7000-8001-' || lpad(to_hex(:k::int * 10), 12, '0'))::uuid);
