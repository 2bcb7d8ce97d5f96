-- SPDX-License-Identifier: Apache-2.0
\set k random(1, :acting)
SELECT * FROM onramp.circuit_list(
    ('00000000-0000-7000-8001-' || lpad(to_hex(:k::int * 10), 12, '0'))::uuid, NULL, 50,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL);
