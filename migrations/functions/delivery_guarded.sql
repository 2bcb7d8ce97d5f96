-- SPDX-License-Identifier: Apache-2.0
-- Deliveries are many, so column by column and not by keep(); the body last, it is long.
CREATE OR REPLACE FUNCTION delivery_guarded() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id <> OLD.id OR NEW.endpoint_id <> OLD.endpoint_id OR NEW.queue <> OLD.queue
       OR NEW.place <> OLD.place OR NEW.created_at <> OLD.created_at
       OR NEW.circuit_id IS DISTINCT FROM OLD.circuit_id OR NEW.event_type <> OLD.event_type
       OR NEW.traceparent IS DISTINCT FROM OLD.traceparent OR NEW.body <> OLD.body
    THEN
        PERFORM onramp.refused('a_delivery_keeps_what_it_says',
            'what a delivery says, and to whom, never changes');
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION delivery_guarded() IS 'Refuses what the row of a delivery may not become.';
