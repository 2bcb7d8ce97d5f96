-- SPDX-License-Identifier: Apache-2.0
-- Trigger: what a new circuit begins with, in one: another trigger would cost every order 2 us.
CREATE OR REPLACE FUNCTION circuit_begins() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO onramp.circuit_events
        (circuit_id, sequence, at, type, from_status, to_status, actor_role, actor_name)
    VALUES (NEW.id, 1, NEW.created_at, 'circuit.created', 'NotProvisioned', 'NotProvisioned',
            onramp.actor_role(), onramp.actor_name());
    INSERT INTO onramp.circuit_changes (circuit_id, changed_in)
    VALUES (NEW.id, onramp.minute_of(NEW.updated_at));
    IF NEW.tags <> '{}' THEN
        INSERT INTO onramp.circuit_labels (circuit_id, customer_id, label)
        SELECT NEW.id, NEW.customer_id, label FROM onramp.labels_of(NEW.tags) AS label;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION circuit_begins() IS
    'Writes the first event, the last change and the labels of a new circuit.';
