-- SPDX-License-Identifier: Apache-2.0
-- A partner's callback: signature and shape are checked already. What follows is judged in this
-- order: secret, time, key, duplicate, stale, table. p_secret_id null: an operator acts in the
-- partner's place. p_data: reason, note, expectedBy, primaryPort, secondaryPort, sTag,
-- partnerReference, each validated; absent leaves what is there, null clears it.
CREATE OR REPLACE FUNCTION callback_apply(p_caller caller, p_partner text, p_service_key uuid,
                                          p_type text, p_timestamp timestamptz, p_data jsonb,
                                          p_webhook_id text, p_body_sha256 text, p_secret_id uuid)
RETURNS SETOF callback_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r callback_view;
    c circuits%ROWTYPE;
    v_after circuits%ROWTYPE;
    v_now timestamptz;
    v_by_operator boolean := p_secret_id IS NULL;
    v_authentic boolean;
    v_digest bytea := decode(p_body_sha256, 'hex');
    v_seen bytea;
    v_effect text;
    v_to text;
    v_sentence text;
    v_quotes boolean;
BEGIN
    SELECT * INTO c FROM circuits
    WHERE service_key = p_service_key AND partner = p_partner
    FOR NO KEY UPDATE;
    -- Our clock under the lock, so that times on a circuit rise with its events.
    v_now := clock_timestamp();
    -- All that is judged by, in one statement, behind the lock: it sees what was committed while
    -- this one waited.
    SELECT v_by_operator
               OR EXISTS (SELECT FROM callback_secrets
                          WHERE id = p_secret_id AND partner = p_partner
                                AND (expires_at IS NULL OR expires_at > v_now)),
           (SELECT body_sha256 FROM remembered_callbacks
            WHERE partner = p_partner AND webhook_id = p_webhook_id
                  AND by_operator = v_by_operator),
           t.effect, t.to_status, t.sentence
    INTO v_authentic, v_seen, v_effect, v_to, v_sentence
    FROM (SELECT) AS callback
    LEFT JOIN provider_transition t
        ON t.from_status = c.provider_status AND t.event = p_type AND t.by_partner
           AND (t.deprovision_requested IS NULL
                OR t.deprovision_requested = (c.deprovision_requested_at IS NOT NULL));

    IF NOT v_authentic THEN
        r.outcome := 'unauthenticated';
        RETURN NEXT r;
        RETURN;
    END IF;

    IF p_timestamp > v_now + interval '300 seconds' THEN
        r.outcome := 'timestamp_in_future';
        r.facts := jsonb_build_object(
            'detail', 'The timestamp lies more than 300 seconds ahead of our clock; '
                      'correct yours and send again.',
            'errors', jsonb_build_array(jsonb_build_object(
                'pointer', '/timestamp', 'code', 'out_of_range',
                'detail', format('It is %s here.', time_shown(v_now)))));
        RETURN NEXT r;
        RETURN;
    END IF;

    IF c.id IS NULL THEN
        r.outcome := 'not_found';
        r.facts := jsonb_build_object('detail',
            'No circuit of this partner has this service key; check it with the customer.');
        RETURN NEXT r;
        RETURN;
    END IF;
    -- Whatever comes of it, the partner has shown the key. An operator in its place has not.
    v_quotes := c.key_quoted_at IS NULL AND c.deleted_at IS NULL AND NOT v_by_operator;

    IF v_seen IS NOT NULL THEN
        r.reason := CASE WHEN v_seen = v_digest THEN 'duplicate' ELSE 'webhook_id_reused' END;
    ELSIF c.deleted_at IS NOT NULL AND p_type <> 'circuit.deprovisioned' THEN
        r.outcome := 'not_found';
        r.facts := jsonb_build_object('detail',
            'No circuit of this partner has this service key; check it with the customer.');
        RETURN NEXT r;
        RETURN;
    ELSIF p_timestamp < c.partner_timestamp THEN
        r.reason := 'stale';
        r.newest_timestamp := c.partner_timestamp;
    ELSE
        -- A statement, which has no ELSE: what the graph does not know is an error.
        CASE v_effect
            WHEN 'refused' THEN r.reason := 'illegal_transition';
            WHEN 'already' THEN r.reason := 'already';
            WHEN 'moves', 'stays' THEN r.reason := 'applied';
        END CASE;
    END IF;

    -- Remember what is answered 200, before anything is changed: if the id turns up here, another
    -- circuit's callback has used it since we looked.
    IF r.reason IN ('applied', 'already', 'stale') THEN
        INSERT INTO remembered_callbacks (partner, by_operator, webhook_id, body_sha256, circuit_id)
        VALUES (p_partner, v_by_operator, p_webhook_id, v_digest, c.id)
        ON CONFLICT (partner, webhook_id, by_operator) DO NOTHING;
        IF NOT FOUND THEN
            r.reason := 'webhook_id_reused';
        END IF;
    END IF;

    IF r.reason = 'applied' THEN
        SELECT * INTO STRICT v_after
        FROM callbacks_write(ARRAY[c.id], ARRAY[p_type], ARRAY[p_timestamp], ARRAY[p_data],
                             ARRAY[p_caller.role], ARRAY[p_caller.actor], ARRAY[v_effect], ARRAY[v_to],
                             ARRAY[v_sentence], ARRAY[v_quotes], v_now);

        IF c.used > 0 AND c.circuit_status = 'Enabled'
            AND (c.provider_status = 'Provisioned') <> (v_to = 'Provisioned')
        THEN
            PERFORM connections_follow(c.id, v_to = 'Provisioned', p_caller.role, p_caller.actor);
            SELECT * INTO v_after FROM circuits WHERE id = c.id;
        END IF;
        -- Nested: an IF with a query in it is a query, even where its first part is false.
        IF c.delete_when_deprovisioned AND v_to = 'NotProvisioned' AND c.used = 0 THEN
            IF NOT EXISTS (SELECT FROM authorizations WHERE circuit_id = c.id) THEN
                PERFORM circuit_remove(c.id, p_caller.role, p_caller.actor);
                SELECT * INTO v_after FROM circuits WHERE id = c.id;
            END IF;
        END IF;
    ELSE
        IF r.reason = 'already' THEN
            UPDATE circuits SET partner_timestamp = p_timestamp WHERE id = c.id;
        ELSIF r.reason IN ('illegal_transition', 'webhook_id_reused') THEN
            INSERT INTO refused_callbacks
                (circuit_id, partner, actor_role, actor_name, webhook_id, type, provider_status,
                 code)
            VALUES (c.id, p_partner, p_caller.role, p_caller.actor, p_webhook_id, p_type, c.provider_status,
                r.reason);
        END IF;
        IF v_quotes THEN
            PERFORM circuit_quoted(c.id, p_caller.role, p_caller.actor);
        END IF;
        IF r.reason = 'illegal_transition' THEN
            r.outcome := r.reason;
            r.facts := jsonb_build_object(
                'detail', format('%s From %s these events are legal: %s.', v_sentence,
                    c.provider_status,
                    (SELECT string_agg(event, ', ' ORDER BY event) FROM provider_transition
                     WHERE from_status = c.provider_status AND by_partner
                           AND effect IN ('moves', 'stays')
                           AND (deprovision_requested IS NULL OR deprovision_requested
                                = (c.deprovision_requested_at IS NOT NULL)))),
                'providerStatus', c.provider_status);
            r.reason := NULL;
            RETURN NEXT r;
            RETURN;
        ELSIF r.reason = 'webhook_id_reused' THEN
            r.outcome := r.reason;
            r.facts := jsonb_build_object('detail',
                'This webhook-id was used for another body; give each callback an id of its own.');
            r.reason := NULL;
            RETURN NEXT r;
            RETURN;
        END IF;
        SELECT * INTO v_after FROM circuits WHERE id = c.id;
    END IF;

    r := callback_shown(v_after, r.reason, r.newest_timestamp);
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION callback_apply IS
    'What a partner announces about a circuit: applied, already so, stale, a duplicate, or '
    'refused.';
GRANT EXECUTE ON FUNCTION callback_apply TO onramp_daemon;
