-- SPDX-License-Identifier: Apache-2.0
-- callback_apply for several callbacks at once: the n-th row answers the n-th callback. Those that
-- plainly apply are written together: callback_apply_verdict applies them, a partner itself sends them, and
-- they are the first here of their circuit and of their webhook-id, on a circuit that has nothing
-- that follows it. All others come behind them, in their order, to callback_apply; so those of one circuit
-- stay in their order, too.
CREATE OR REPLACE FUNCTION callback_apply_each(p_callers caller[], p_partners text[],
                                               p_service_keys uuid[], p_types text[],
                                               p_timestamps timestamptz[], p_data jsonb[],
                                               p_webhook_ids text[], p_body_sha256s text[],
                                               p_secret_ids uuid[])
RETURNS SETOF callback_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp
-- Each is looked up by itself, by one plan for all: callbacks_write says why. No Memoize: PostgreSQL
-- 15 may put it before a volatile function too, were there many more rows, and two alike would be
-- one.
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
SET enable_memoize = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_now timestamptz;
    v_plain bigint[];
    v_circuits uuid[];
    v_effects text[];
    v_to_statuses text[];
    v_sentences text[];
    v_quotes boolean[];
    v_written circuits[];
BEGIN
    -- As the shared transaction has locked them already.
    PERFORM FROM circuits WHERE service_key = ANY (p_service_keys) ORDER BY id FOR NO KEY UPDATE;
    -- Our clock under the locks, so that times on a circuit rise with its events.
    v_now := clock_timestamp();

    -- Remembered before anything is changed: where the id is taken, another circuit's callback has
    -- used it.
    WITH plain AS MATERIALIZED (
        SELECT k.n, k.partner, k.webhook_id, k.body_sha256, (f.circuit).id AS circuit_id, f.effect,
               f.to_status, f.sentence, f.quotes
        FROM unnest(p_partners, p_service_keys, p_types, p_timestamps, p_webhook_ids,
                    p_body_sha256s, p_secret_ids) WITH ORDINALITY
                 AS k (partner, service_key, type, at, webhook_id, body_sha256, secret_id, n),
             LATERAL callback_apply_facts(k.partner, k.service_key, k.type, k.at, k.webhook_id,
                                          k.body_sha256, k.secret_id, v_now) AS f
        WHERE (f.verdict).outcome = 'applied' AND k.secret_id IS NOT NULL
              AND (f.circuit).used = 0 AND NOT (f.circuit).delete_when_deprovisioned
              AND array_position(p_service_keys, k.service_key) = k.n
              AND array_position(p_webhook_ids, k.webhook_id) = k.n
    ), remembered AS (
        INSERT INTO remembered_callbacks (partner, by_operator, webhook_id, body_sha256, circuit_id)
        SELECT partner, false, webhook_id, decode(body_sha256, 'hex'), circuit_id
        FROM plain ORDER BY n
        ON CONFLICT (partner, webhook_id, by_operator) DO NOTHING
        RETURNING circuit_id)
    SELECT array_agg(n), array_agg(circuit_id), array_agg(effect), array_agg(to_status),
           array_agg(sentence), array_agg(quotes)
    INTO v_plain, v_circuits, v_effects, v_to_statuses, v_sentences, v_quotes
    FROM plain JOIN remembered USING (circuit_id);

    IF v_plain IS NOT NULL THEN
        v_written := ARRAY(
            SELECT w FROM callbacks_write(v_circuits,
                ARRAY(SELECT p_types[n] FROM unnest(v_plain) n),
                ARRAY(SELECT p_timestamps[n] FROM unnest(v_plain) n),
                ARRAY(SELECT p_data[n] FROM unnest(v_plain) n),
                ARRAY(SELECT (p_callers[n]).role FROM unnest(v_plain) n),
                ARRAY(SELECT (p_callers[n]).actor FROM unnest(v_plain) n),
                v_effects, v_to_statuses, v_sentences, v_quotes, v_now) w);
    END IF;

    RETURN QUERY
    SELECT answer.*
    FROM unnest(p_partners, p_service_keys, p_types, p_timestamps, p_data, p_webhook_ids,
                p_body_sha256s, p_secret_ids) WITH ORDINALITY
             AS k (partner, service_key, type, at, data, webhook_id, body_sha256, secret_id, n),
         LATERAL (SELECT shown.*
                  FROM unnest(v_written) AS w, callback_shown(w, 'applied', NULL) AS shown
                  WHERE k.n = ANY (v_plain) AND w.service_key = k.service_key
                  UNION ALL
                  SELECT applied.*
                  FROM callback_apply(p_callers[k.n], k.partner, k.service_key, k.type, k.at,
                                      k.data, k.webhook_id, k.body_sha256, k.secret_id) AS applied
                  WHERE (k.n = ANY (v_plain)) IS NOT TRUE) AS answer
    ORDER BY k.n;
END
$$;
COMMENT ON FUNCTION callback_apply_each IS
    'What several callbacks come to, in their order, as callback_apply does it.';
GRANT EXECUTE ON FUNCTION callback_apply_each TO onramp_daemon;
