-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION cap_owner(p_table text, p_row jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN p_table = 'authorizations' THEN 'circuit:' || (p_row ->> 'circuit_id')
    WHEN p_table = 'callback_secrets' THEN 'partner:' || (p_row ->> 'partner')
    WHEN p_table = 'vnets' THEN 'customer:' || (p_row ->> 'customer_id')
    WHEN p_table = 'tokens' AND p_row ->> 'revoked_at' IS NULL
         OR p_table = 'webhook_endpoints' AND p_row ->> 'deleted_at' IS NULL
        THEN (p_row ->> 'role') || ':' || coalesce(p_row ->> 'customer_id', p_row ->> 'partner', '')
END;
COMMENT ON FUNCTION cap_owner IS
    'Against whose cap a row of a table counts; null: against nobody''s.';
