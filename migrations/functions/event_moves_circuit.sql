-- SPDX-License-Identifier: Apache-2.0
-- Trigger. An event moves its circuit, and only from the status and the number that it stands at. A
-- function that changes more of the circuit writes event and circuit in one statement; then the
-- circuit stands there already, at the time of the event, having come from from_status
-- (previous_status is the guard's word for that). One statement looks where the circuit stands and
-- whether the event is an edge of the graph, and leaves the event to the publisher.
CREATE OR REPLACE FUNCTION event_moves_circuit() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.type = 'circuit.created') <> (NEW.sequence = 1) THEN
        PERFORM onramp.refused('a_history_begins_with_the_order',
            'a history begins with circuit.created, and has it once');
    END IF;
    IF (left(NEW.type, 11) = 'connection.') <> (NEW.connection_id IS NOT NULL) THEN
        PERFORM onramp.refused('an_event_of_a_connection_names_it',
            'an event of a connection names it, and no other does');
    END IF;
    LOOP
        INSERT INTO onramp.events_unpublished
            (circuit_id, sequence, at, customer_id, service_key, vnet_customer_id, partner,
             traceparent)
        SELECT NEW.circuit_id, NEW.sequence, NEW.at, c.customer_id,
               CASE WHEN heard.by_partner THEN c.service_key END, NEW.vnet_customer_id,
               CASE WHEN heard.by_partner THEN c.partner END,
               -- Orders that come together have one each, in lines of id=trace: reading an object
               -- for every event would cost a sixth of the order.
               coalesce(nullif(split_part(split_part(current_setting('onramp.traceparents', true),
                                                     NEW.circuit_id || '=', 2),
                                          E'\n', 1), ''),
                        nullif(current_setting('onramp.traceparent', true), ''))
        FROM onramp.circuits c,
             onramp.provider_transition t,
             LATERAL (SELECT c.key_quoted_at IS NOT NULL AND NEW.connection_id IS NULL
                             AND (NEW.type <> 'circuit.updated' OR c.shown_sequence = NEW.sequence)
                             AS by_partner) heard
        WHERE c.id = NEW.circuit_id AND c.last_sequence = NEW.sequence
              AND c.previous_status = NEW.from_status AND c.provider_status = NEW.to_status
              AND c.updated_at = NEW.at
              AND t.from_status = NEW.from_status AND t.event = NEW.type
              AND t.to_status = NEW.to_status;
        IF FOUND THEN
            RETURN NULL;
        END IF;
        IF NOT EXISTS (SELECT FROM onramp.provider_transition
                       WHERE from_status = NEW.from_status AND event = NEW.type
                             AND to_status = NEW.to_status) THEN
            PERFORM onramp.refused('an_event_follows_an_edge_of_the_graph',
                'an event follows an edge of the graph of provider status');
        END IF;
        UPDATE onramp.circuits
        SET last_sequence = NEW.sequence, previous_status = NEW.from_status,
            provider_status = NEW.to_status, updated_at = NEW.at
        WHERE id = NEW.circuit_id AND last_sequence = NEW.sequence - 1
            AND provider_status = NEW.from_status;
        IF NOT FOUND THEN
            PERFORM onramp.refused('an_event_moves_its_circuit',
                'an event moves its circuit from the status and the event that it stands at');
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION event_moves_circuit() IS
    'Moves the circuit by its new event and leaves the event to the publisher, or refuses it.';
