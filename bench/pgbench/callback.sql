-- SPDX-License-Identifier: Apache-2.0
-- Each client moves circuits of its own: provisioned, then deprovisioned.
\set callbacks :callbacks + 1
\set client :turn * :clients + :client_id
\set index :client * :callbacks_each + mod((:callbacks - 1) / 2, :callbacks_each)
\set n :index / (:each * 9) * :each * 10 + mod(:index, :each * 9) + 1
\if mod(:callbacks, 2) = 1
SELECT * FROM onramp.callback_apply('(partner,equinix,,,,)',
    'equinix', ('00000000-0000-4000-8004-' || lpad(to_hex(:n::int), 12, '0'))::uuid,
    'circuit.provisioned', clock_timestamp(), '{"note": "cross connect 7", "sTag": 210}',
    'msg_' || :turn::text || '_' || :client_id::text || '_' || :callbacks::text,
    '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', :secret::uuid);
\else
SELECT * FROM onramp.callback_apply('(partner,equinix,,,,)',
    'equinix', ('00000000-0000-4000-8004-' || lpad(to_hex(:n::int), 12, '0'))::uuid,
    'circuit.deprovisioned', clock_timestamp(), '{"note": "cross connect 7", "sTag": 210}',
    'msg_' || :turn::text || '_' || :client_id::text || '_' || :callbacks::text,
    '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', :secret::uuid);
\endif
