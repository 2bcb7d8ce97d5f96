-- SPDX-License-Identifier: Apache-2.0
-- Internal: the one place that decides what a callback comes to, in this order: secret, time, key,
-- duplicate, stale, graph. c is the circuit as it was locked, null where the partner has none of this key;
-- p_seen: the digest of the body that came with this webhook-id before; p_effect, p_sentence: what the
-- graph says of the event, and p_legal which events it has in its place. The outcome is applied, already,
-- stale, duplicate, or the code of a refusal.
CREATE OR REPLACE FUNCTION callback_apply_verdict(c circuits, p_type text, p_timestamp timestamptz,
                                                  p_now timestamptz, p_authentic boolean,
                                                  p_digest bytea, p_seen bytea, p_effect text,
                                                  p_sentence text, p_legal text)
RETURNS verdict
LANGUAGE plpgsql IMMUTABLE SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
BEGIN
    IF NOT p_authentic THEN
        r.outcome := 'unauthenticated';
    ELSIF p_timestamp > p_now + interval '300 seconds' THEN
        r.outcome := 'timestamp_in_future';
        r.facts := jsonb_build_object(
            'detail', 'The timestamp lies more than 300 seconds ahead of our clock; '
                      'correct yours and send again.',
            'errors', jsonb_build_array(jsonb_build_object(
                'pointer', '/timestamp', 'code', 'out_of_range',
                'detail', format('It is %s here.', time_shown(p_now)))));
    ELSIF c.id IS NULL THEN
        r.outcome := 'not_found';
    ELSIF p_seen = p_digest THEN
        r.outcome := 'duplicate';
    ELSIF p_seen IS NOT NULL THEN
        r.outcome := 'webhook_id_reused';
        r.facts := jsonb_build_object('detail',
            'This webhook-id was used for another body; give each callback an id of its own.');
    ELSIF c.deleted_at IS NOT NULL AND p_type <> 'circuit.deprovisioned' THEN
        r.outcome := 'not_found';
    ELSIF p_timestamp < c.partner_timestamp THEN
        r.outcome := 'stale';
    ELSIF p_effect = 'refused' THEN
        r.outcome := 'illegal_transition';
        r.facts := jsonb_build_object(
            'detail', format('%s From %s these events are legal: %s.', p_sentence,
                             c.provider_status, p_legal),
            'providerStatus', c.provider_status);
    ELSIF p_effect = 'already' THEN
        r.outcome := 'already';
    ELSIF p_effect IN ('moves', 'stays') THEN
        r.outcome := 'applied';
    ELSE
        RAISE EXCEPTION 'the graph of provider status does not know % from %', p_type,
            c.provider_status;
    END IF;
    IF r.outcome = 'not_found' THEN
        r.facts := jsonb_build_object('detail',
            'No circuit of this partner has this service key; check it with the customer.');
    END IF;
    RETURN r;
END
$$;
COMMENT ON FUNCTION callback_apply_verdict IS 'What a callback comes to.';
