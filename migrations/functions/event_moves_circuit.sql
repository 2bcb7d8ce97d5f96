-- SPDX-License-Identifier: Apache-2.0
-- Trigger. An event moves its circuit, and only from the status and the number that it stands at. A
-- function that changes more of the circuit writes event and circuit in one statement; then the
-- circuit stands there already, at the time of the event, having come from from_status
-- (previous_status is the guard's word for that, previously_requested for a request to deprovision that
-- was open). One statement looks where the circuit stands and
-- whether the event is an edge of the graph, and leaves the event to the publisher.
CREATE OR REPLACE FUNCTION event_moves_circuit() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_requested boolean;
BEGIN
    IF (NEW.type = 'circuit.created') <> (NEW.sequence = 1) THEN
        PERFORM onramp.refused('a_history_begins_with_the_order',
            'a history begins with circuit.created, and has it once');
    END IF;
    IF (left(NEW.type, 11) = 'connection.') <> (NEW.connection_id IS NOT NULL)
       OR NEW.connection_id IS NULL AND NEW.vnet_customer_id IS NOT NULL
    THEN
        PERFORM onramp.refused('an_event_of_a_connection_names_it',
            'an event of a connection names it, and no other does');
    END IF;
    -- One trigger deep: not from the triggers of connections. Who is named in an event hears it.
    IF NEW.connection_id IS NOT NULL AND pg_trigger_depth() = 1 THEN
        IF NEW.type IN ('connection.created', 'connection.deleted')
           OR NOT EXISTS (SELECT FROM onramp.connections k
                          WHERE k.id = NEW.connection_id AND k.circuit_id = NEW.circuit_id
                                AND nullif(k.vnet_customer_id, k.circuit_customer_id)
                                    IS NOT DISTINCT FROM NEW.vnet_customer_id)
        THEN
            PERFORM onramp.refused('an_event_of_a_connection_comes_with_it',
                'an event of a connection comes with it, or is of one that the circuit has');
        END IF;
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
              AND t.to_status = NEW.to_status
              AND (t.deprovision_requested = c.previously_requested) IS NOT FALSE;
        IF FOUND THEN
            RETURN NULL;
        END IF;
        SELECT CASE WHEN last_sequence = NEW.sequence THEN previously_requested
                    ELSE deprovision_requested_at IS NOT NULL END
        INTO v_requested
        FROM onramp.circuits WHERE id = NEW.circuit_id;
        IF NOT EXISTS (SELECT FROM onramp.provider_transition
                       WHERE from_status = NEW.from_status AND event = NEW.type
                             AND to_status = NEW.to_status
                             AND (deprovision_requested = v_requested) IS NOT FALSE) THEN
            PERFORM onramp.refused('an_event_follows_an_edge_of_the_graph',
                'an event follows an edge of the graph of provider status');
        END IF;
        IF NEW.type = 'circuit.deleted' THEN
            UPDATE onramp.circuits
            SET last_sequence = NEW.sequence, previous_status = NEW.from_status,
                provider_status = NEW.to_status, updated_at = NEW.at, deleted_at = NEW.at
            WHERE id = NEW.circuit_id AND last_sequence = NEW.sequence - 1
                AND provider_status = NEW.from_status;
        ELSIF NEW.type IN ('circuit.deprovision_requested', 'circuit.deprovision_withdrawn',
                           'circuit.rejected') OR NEW.to_status = 'NotProvisioned'
        THEN
            -- A rejected request is closed, and so is one that is fulfilled.
            UPDATE onramp.circuits
            SET last_sequence = NEW.sequence, previous_status = NEW.from_status,
                provider_status = NEW.to_status, updated_at = NEW.at,
                deprovision_requested_at = CASE NEW.type WHEN 'circuit.deprovision_requested'
                                           THEN coalesce(deprovision_requested_at, NEW.at) END,
                delete_when_deprovisioned =
                    delete_when_deprovisioned AND NEW.type = 'circuit.deprovision_requested'
            WHERE id = NEW.circuit_id AND last_sequence = NEW.sequence - 1
                AND provider_status = NEW.from_status;
        ELSE
            UPDATE onramp.circuits
            SET last_sequence = NEW.sequence, previous_status = NEW.from_status,
                provider_status = NEW.to_status, updated_at = NEW.at
            WHERE id = NEW.circuit_id AND last_sequence = NEW.sequence - 1
                AND provider_status = NEW.from_status;
        END IF;
        IF NOT FOUND THEN
            PERFORM onramp.refused('an_event_moves_its_circuit',
                'an event moves its circuit from the status and the event that it stands at');
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION event_moves_circuit() IS
    'Moves the circuit by its new event and leaves the event to the publisher, or refuses it.';
