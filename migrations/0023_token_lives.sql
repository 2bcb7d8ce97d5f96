-- SPDX-License-Identifier: Apache-2.0
-- How long a token lives by the database's clock: servers remember tokens, and forget one when it expires.

CREATE OR REPLACE VIEW token_check_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, t.id, encode(t.sha256, 'hex') AS sha256, t.role,
       t.customer_id, t.partner,
       CASE t.role
           WHEN 'customer' THEN (SELECT c.name FROM customers c WHERE c.id = t.customer_id)
           WHEN 'partner' THEN t.partner
           ELSE coalesce(nullif(t.description, ''), 'operator')
       END AS name,
       t.expires_at,
       least(floor(extract(epoch FROM t.expires_at - clock_timestamp()) * 1000), 1e12)::bigint
           AS lives_ms
FROM tokens t;
