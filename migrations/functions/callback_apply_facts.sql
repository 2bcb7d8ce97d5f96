-- SPDX-License-Identifier: Apache-2.0
-- Internal: what a callback is decided by, with the verdict: as connection_create_facts, behind the lock of
-- the circuit. p_now: our clock behind that lock; p_secret_id null: an operator acts in the partner's
-- place. quotes: whether the partner shows the service key for the first time.
CREATE OR REPLACE FUNCTION callback_apply_facts(p_partner text, p_service_key uuid, p_type text,
                                                p_timestamp timestamptz, p_webhook_id text,
                                                p_body_sha256 text, p_secret_id uuid,
                                                p_now timestamptz)
RETURNS TABLE (verdict onramp.verdict, circuit onramp.circuits, effect text, to_status text,
               sentence text, quotes boolean)
LANGUAGE sql STABLE AS $$
    SELECT onramp.callback_apply_verdict(
               c.circuit, p_type, p_timestamp, p_now,
               p_secret_id IS NULL
                   OR EXISTS (SELECT FROM onramp.callback_secrets
                              WHERE id = p_secret_id AND partner = p_partner
                                    AND (expires_at IS NULL OR expires_at > p_now)),
               decode(p_body_sha256, 'hex'),
               (SELECT body_sha256 FROM onramp.remembered_callbacks
                WHERE partner = p_partner AND webhook_id = p_webhook_id
                      AND by_operator = (p_secret_id IS NULL)),
               t.effect, t.sentence,
               -- Asked only where it is told.
               CASE WHEN t.effect = 'refused' THEN
                   (SELECT string_agg(event, ', ' ORDER BY event)
                    FROM onramp.provider_transition
                    WHERE from_status = (c.circuit).provider_status AND by_partner
                          AND provider_transition.effect IN ('moves', 'stays')
                          AND (deprovision_requested IS NULL
                               OR deprovision_requested
                                  = ((c.circuit).deprovision_requested_at IS NOT NULL))) END),
           c.circuit, t.effect, t.to_status, t.sentence,
           (c.circuit).key_quoted_at IS NULL AND (c.circuit).deleted_at IS NULL
               AND p_secret_id IS NOT NULL
    FROM (SELECT) AS request
    LEFT JOIN LATERAL (
        SELECT circuits AS circuit FROM onramp.circuits
        WHERE service_key = p_service_key AND partner = p_partner OFFSET 0) AS c ON true
    LEFT JOIN LATERAL (
        SELECT * FROM onramp.provider_transition
        WHERE from_status = (c.circuit).provider_status AND event = p_type AND by_partner
              AND (deprovision_requested IS NULL
                   OR deprovision_requested = ((c.circuit).deprovision_requested_at IS NOT NULL))
        OFFSET 0) AS t ON true
$$;
COMMENT ON FUNCTION callback_apply_facts IS 'What is found of a callback, and the verdict.';
