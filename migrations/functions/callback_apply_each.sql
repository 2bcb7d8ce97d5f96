-- SPDX-License-Identifier: Apache-2.0
-- callback_apply for several callbacks at once: the n-th row answers the n-th callback.
-- No Memoize: PostgreSQL 15 may put it before a volatile function too, were there many more rows,
-- and two that ask for the same would be one.
CREATE OR REPLACE FUNCTION callback_apply_each(p_partners text[], p_service_keys uuid[],
                                               p_types text[], p_timestamps timestamptz[],
                                               p_data jsonb[], p_webhook_ids text[],
                                               p_body_sha256s text[], p_secret_ids uuid[],
                                               p_roles text[], p_actors text[])
RETURNS SETOF callback_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp
SET enable_memoize = off AS $$
BEGIN
    RETURN QUERY SELECT applied.*
    FROM unnest(p_partners, p_service_keys, p_types, p_timestamps, p_data, p_webhook_ids,
                p_body_sha256s, p_secret_ids, p_roles, p_actors) WITH ORDINALITY
             AS came (partner, service_key, type, at, data, webhook_id, body_sha256, secret_id,
                      role, actor, n),
         LATERAL callback_apply(came.partner, came.service_key, came.type, came.at, came.data,
                                came.webhook_id, came.body_sha256, came.secret_id, came.role,
                                came.actor) AS applied
    ORDER BY came.n;
END
$$;
COMMENT ON FUNCTION callback_apply_each IS
    'What several callbacks come to, in their order, as callback_apply does it.';
GRANT EXECUTE ON FUNCTION callback_apply_each TO onramp_daemon;
