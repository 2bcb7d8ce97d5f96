-- SPDX-License-Identifier: Apache-2.0
-- Internal: the caller holds the endpoint's turn. What is about no circuit has no order to keep and
-- waits for nothing: a queue of its own.
CREATE OR REPLACE FUNCTION webhook_tell(p_endpoint uuid, p_now timestamptz, p_type text,
                                        p_about uuid, p_reason text)
RETURNS uuid
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp AS $$
DECLARE
    t delivery_turns%ROWTYPE;
    v_id uuid := uuid_v7();
BEGIN
    SELECT * INTO STRICT t FROM delivery_turns WHERE endpoint_id = p_endpoint;
    INSERT INTO deliveries (id, endpoint_id, queue, place, created_at, event_type, traceparent, body)
    VALUES (v_id, p_endpoint, v_id, 0, p_now, p_type,
            nullif(current_setting('onramp.traceparent', true), ''),
            concat('{"type":"', p_type, '","timestamp":"', time_shown(p_now),
                   '","data":{"circuitId":null,"sequence":null,"endpointId":"', p_about, '"',
                   ',"reason":' || to_json(p_reason), '}}'));
    PERFORM delivery_enqueue(v_id, p_now);
    t.next_due := least(t.next_due, p_now);
    PERFORM delivery_turn_set(t, p_now);
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION webhook_tell IS
    'Deliver to one endpoint an event that is about no circuit; the id of the delivery.';
