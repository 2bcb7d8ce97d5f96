-- SPDX-License-Identifier: Apache-2.0
-- Trigger: a status without its event can't be written. The event of this transaction is what it finds:
-- event_moves_circuit() lets no event stand that its circuit does not stand at.
--
-- One plan for all: to the planner, which does not count that the other months are left out at run
-- time, a new plan for every row seems to pay.
--
-- One event deletes, one opens a request to deprovision, and few close it: each column follows its
-- events, and they it. A change of these columns without any event is refused by circuit_guarded().
CREATE OR REPLACE FUNCTION circuit_stands() RETURNS trigger
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_type text;
BEGIN
    IF NEW.last_sequence = OLD.last_sequence AND NEW.provider_status = OLD.provider_status
       AND NEW.updated_at = OLD.updated_at
    THEN
        RETURN NULL;
    END IF;
    SELECT type INTO v_type FROM onramp.circuit_events
    WHERE circuit_id = NEW.id AND sequence = NEW.last_sequence AND at = NEW.updated_at
          AND to_status = NEW.provider_status;
    IF NOT FOUND THEN
        PERFORM onramp.refused('a_circuit_stands_at_its_last_event',
            'a circuit stands at its last event: by its number, its time and its status');
    END IF;
    IF (v_type = 'circuit.deleted') <> (NEW.deleted_at IS NOT NULL) THEN
        PERFORM onramp.refused('a_circuit_is_deleted_by_its_event',
            'a circuit is deleted by the event circuit.deleted, and by no other');
    END IF;
    IF (NEW.deprovision_requested_at IS NOT NULL)
       <> (CASE v_type
              WHEN 'circuit.deprovision_requested' THEN true
              WHEN 'circuit.deprovision_withdrawn' THEN false
              WHEN 'circuit.rejected' THEN false
              ELSE OLD.deprovision_requested_at IS NOT NULL
                   AND NEW.provider_status <> 'NotProvisioned'
          END)
    THEN
        PERFORM onramp.refused('a_request_to_deprovision_follows_its_events',
            'a request to deprovision is opened, and closed, by its events alone');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION circuit_stands() IS 'Refuses a change of a circuit that has no event.';
