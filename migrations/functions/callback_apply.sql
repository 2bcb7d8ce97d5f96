-- SPDX-License-Identifier: Apache-2.0
-- A partner's callback: signature and shape are checked already; callback_apply_verdict decides what
-- it comes to. p_secret_id null: an operator acts in the partner's place. p_data: reason, note,
-- expectedBy, primaryPort, secondaryPort, sTag, partnerReference, each validated; absent leaves what is
-- there, null clears it.
CREATE OR REPLACE FUNCTION callback_apply(p_caller caller, p_partner text, p_service_key uuid,
                                          p_type text, p_timestamp timestamptz, p_data jsonb,
                                          p_webhook_id text, p_body_sha256 text, p_secret_id uuid)
RETURNS SETOF callback_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r callback_view;
    f record;
    v_outcome text;
    v_after circuits%ROWTYPE;
    v_now timestamptz;
    v_by_operator boolean := p_secret_id IS NULL;
BEGIN
    PERFORM FROM circuits
    WHERE service_key = p_service_key AND partner = p_partner
    FOR NO KEY UPDATE;
    -- Our clock under the lock, so that times on a circuit rise with its events.
    v_now := clock_timestamp();
    FOR v_look IN 1 .. 3 LOOP
        SELECT * INTO STRICT f
        FROM callback_apply_facts(p_partner, p_service_key, p_type, p_timestamp, p_webhook_id,
                                  p_body_sha256, p_secret_id, v_now);
        v_outcome := (f.verdict).outcome;
        EXIT WHEN v_outcome NOT IN ('applied', 'already', 'stale');
        -- What is answered 200 is remembered before anything is changed. Where the id turns up here,
        -- another circuit's callback has used it since we looked: look again.
        INSERT INTO remembered_callbacks (partner, by_operator, webhook_id, body_sha256, circuit_id)
        VALUES (p_partner, v_by_operator, p_webhook_id, decode(p_body_sha256, 'hex'),
                (f.circuit).id)
        ON CONFLICT (partner, webhook_id, by_operator) DO NOTHING;
        EXIT WHEN FOUND;
        IF v_look = 3 THEN
            RAISE EXCEPTION 'the webhook-id comes and goes while it is looked for'
                USING ERRCODE = 'serialization_failure';
        END IF;
    END LOOP;
    IF v_outcome IN ('unauthenticated', 'timestamp_in_future', 'not_found') THEN
        r.outcome := v_outcome;
        r.facts := (f.verdict).facts;
        RETURN NEXT r;
        RETURN;
    END IF;

    IF v_outcome = 'applied' THEN
        SELECT * INTO STRICT v_after
        FROM callbacks_write(ARRAY[(f.circuit).id], ARRAY[p_type], ARRAY[p_timestamp],
                             ARRAY[p_data], ARRAY[p_caller.role], ARRAY[p_caller.actor],
                             ARRAY[f.effect], ARRAY[f.to_status], ARRAY[f.sentence],
                             ARRAY[f.quotes], v_now);

        IF (f.circuit).used > 0 AND (f.circuit).circuit_status = 'Enabled'
            AND ((f.circuit).provider_status = 'Provisioned') <> (f.to_status = 'Provisioned')
        THEN
            PERFORM connections_follow((f.circuit).id, f.to_status = 'Provisioned',
                                       p_caller.role, p_caller.actor);
            SELECT * INTO v_after FROM circuits WHERE id = (f.circuit).id;
        END IF;
        -- Nested: an IF with a query in it is a query, even where its first part is false.
        IF (f.circuit).delete_when_deprovisioned AND f.to_status = 'NotProvisioned'
            AND (f.circuit).used = 0
        THEN
            IF NOT EXISTS (SELECT FROM authorizations WHERE circuit_id = (f.circuit).id) THEN
                PERFORM circuit_remove((f.circuit).id, p_caller.role, p_caller.actor);
                SELECT * INTO v_after FROM circuits WHERE id = (f.circuit).id;
            END IF;
        END IF;
    ELSE
        IF v_outcome = 'already' THEN
            UPDATE circuits SET partner_timestamp = p_timestamp WHERE id = (f.circuit).id;
        ELSIF v_outcome IN ('illegal_transition', 'webhook_id_reused') THEN
            INSERT INTO refused_callbacks
                (circuit_id, partner, actor_role, actor_name, webhook_id, type, provider_status,
                 code)
            VALUES ((f.circuit).id, p_partner, p_caller.role, p_caller.actor, p_webhook_id, p_type,
                    (f.circuit).provider_status, v_outcome);
        END IF;
        -- Whatever comes of it, the partner has shown the key. An operator in its place has not.
        IF f.quotes THEN
            PERFORM circuit_quoted((f.circuit).id, p_caller.role, p_caller.actor);
        END IF;
        IF v_outcome IN ('illegal_transition', 'webhook_id_reused') THEN
            r.outcome := v_outcome;
            r.facts := (f.verdict).facts;
            RETURN NEXT r;
            RETURN;
        END IF;
        SELECT * INTO v_after FROM circuits WHERE id = (f.circuit).id;
    END IF;

    r := callback_shown(v_after, v_outcome,
                        CASE WHEN v_outcome = 'stale' THEN (f.circuit).partner_timestamp END);
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION callback_apply IS
    'What a partner announces about a circuit: applied, already so, stale, a duplicate, or '
    'refused.';
GRANT EXECUTE ON FUNCTION callback_apply TO onramp_daemon;
