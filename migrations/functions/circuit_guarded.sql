-- SPDX-License-Identifier: Apache-2.0
-- Trigger: the guard of a circuit's row, and the keeper of what follows from its other columns.
-- BEFORE, and not a counter: it looks at the row that is being written and at no other. One function
-- for all of it: a call costs 2 us, a CHECK or a WHEN 3 us apiece.
CREATE OR REPLACE FUNCTION circuit_guarded() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_waits text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.used <> 0 OR NEW.last_sequence <> 1 OR NEW.deleted_at IS NOT NULL
           OR NEW.provider_status <> 'NotProvisioned' OR NEW.previous_status <> 'NotProvisioned'
        THEN
            PERFORM onramp.refused('a_circuit_begins_empty_and_not_provisioned',
                'a circuit begins empty, not provisioned, with its first event');
        END IF;
        IF NEW.sku_tier = 'Local' AND NEW.sku_family <> 'UnlimitedData' THEN
            PERFORM onramp.refused('a_local_circuit_is_not_metered',
                'a Local circuit is UnlimitedData');
        END IF;
        IF NEW.deprovision_requested_at IS NOT NULL OR NEW.delete_when_deprovisioned THEN
            PERFORM onramp.refused('a_circuit_that_is_not_provisioned_has_no_request_open',
                'a circuit that is not provisioned has no request to deprovision it open');
        END IF;
        NEW.updated_at := NEW.created_at; -- the time of its first event
        NEW.previously_requested := false;
        NEW.listed_as := 'NotProvisioned';
        NEW.shown_as := CASE WHEN NEW.key_quoted_at IS NULL THEN '' ELSE NEW.provider_status END;
        NEW.waiting_on := onramp.waits_for(NEW.circuit_status, NEW.provider_status,
            NEW.deprovision_requested_at IS NOT NULL, NEW.key_quoted_at IS NOT NULL,
            NEW.returned, false);
        RETURN NEW;
    END IF;

    IF NEW.id <> OLD.id OR NEW.customer_id <> OLD.customer_id OR NEW.partner <> OLD.partner
       OR NEW.peering_location <> OLD.peering_location OR NEW.created_at <> OLD.created_at
    THEN
        PERFORM onramp.refused('a_circuit_keeps_what_it_is',
            'the identity, owner, partner and place of a circuit never change');
    END IF;
    -- One trigger deep: by hand. The triggers of connections come in below it.
    IF NEW.used <> OLD.used AND pg_trigger_depth() = 1 THEN
        PERFORM onramp.refused('a_circuits_connections_are_counted_by_trigger',
            'used follows the rows of connections and is never set');
    END IF;
    IF (NEW.deprovision_requested_at IS NOT NULL OR NEW.delete_when_deprovisioned)
       AND NEW.provider_status = 'NotProvisioned'
    THEN
        PERFORM onramp.refused('a_circuit_that_is_not_provisioned_has_no_request_open',
            'a circuit that is not provisioned has no request to deprovision it open');
    END IF;
    IF NEW.delete_when_deprovisioned AND NEW.deprovision_requested_at IS NULL THEN
        PERFORM onramp.refused('a_circuit_is_deleted_later_on_request_alone',
            'a circuit is deleted when it is deprovisioned where that was asked for');
    END IF;
    IF NEW.last_sequence = OLD.last_sequence + 1 AND NEW.previous_status = OLD.provider_status THEN
        NEW.previously_requested := OLD.deprovision_requested_at IS NOT NULL;
    ELSIF NEW.last_sequence = OLD.last_sequence AND NEW.provider_status = OLD.provider_status
          AND NEW.previous_status = OLD.previous_status
    THEN
        NEW.previously_requested := OLD.previously_requested;
        -- Otherwise an event of another time could take the number of the one that is there.
        IF NEW.updated_at <> OLD.updated_at THEN
            PERFORM onramp.refused('a_circuit_stands_at_its_last_event',
                'a circuit stands at its last event: by its number, its time and its status');
        END IF;
        IF (NEW.deprovision_requested_at IS NULL) <> (OLD.deprovision_requested_at IS NULL) THEN
            PERFORM onramp.refused('a_request_to_deprovision_follows_its_events',
                'a request to deprovision is opened, and closed, by its events alone');
        END IF;
    ELSE
        PERFORM onramp.refused('a_circuit_moves_by_one_event',
            'a circuit moves by one event at a time, from the status that it stands at');
    END IF;
    IF NEW.sku_tier = 'Local' AND NEW.sku_family <> 'UnlimitedData' THEN
        PERFORM onramp.refused('a_local_circuit_is_not_metered',
            'a Local circuit is UnlimitedData');
    END IF;
    IF OLD.deleted_at IS NOT NULL THEN
        IF NEW.used > 0 OR NEW.provider_status <> 'NotProvisioned' THEN
            PERFORM onramp.refused('a_deleted_circuit_is_empty_and_not_provisioned',
                'a deleted circuit is empty and not provisioned');
        END IF;
        IF NEW.deleted_at IS DISTINCT FROM OLD.deleted_at OR NEW.last_sequence <> OLD.last_sequence
        THEN
            PERFORM onramp.refused('a_deleted_circuit_stays_deleted',
                'a deleted circuit stays deleted, and nothing happens to it any more');
        END IF;
    ELSIF NEW.deleted_at IS NOT NULL THEN
        IF NEW.used > 0 OR NEW.provider_status <> 'NotProvisioned' THEN
            PERFORM onramp.refused('a_deleted_circuit_is_empty_and_not_provisioned',
                'a deleted circuit is empty and not provisioned');
        END IF;
        -- Which event it is, circuit_stands() sees.
        IF NEW.last_sequence = OLD.last_sequence THEN
            PERFORM onramp.refused('a_circuit_is_deleted_by_its_event',
                'a circuit is deleted by the event circuit.deleted, and by no other');
        END IF;
    END IF;
    IF NEW.service_key <> OLD.service_key THEN
        IF NEW.provider_status <> 'NotProvisioned' THEN
            PERFORM onramp.refused('a_service_key_is_replaced_before_building_begins',
                'the service key of a circuit is replaced while it is not provisioned');
        END IF;
        IF NEW.key_quoted_at IS NOT NULL THEN
            PERFORM onramp.refused('a_new_service_key_has_been_quoted_by_nobody',
                'a new service key has been quoted by nobody');
        END IF;
    END IF;

    v_waits := onramp.waits_for(NEW.circuit_status, NEW.provider_status,
        NEW.deprovision_requested_at IS NOT NULL, NEW.key_quoted_at IS NOT NULL,
        NEW.returned, NEW.deleted_at IS NOT NULL);
    NEW.listed_as := CASE WHEN NEW.deleted_at IS NULL THEN NEW.provider_status ELSE 'Deleted' END;
    IF NEW.provider_status <> OLD.provider_status OR v_waits <> OLD.waiting_on THEN
        NEW.waiting_on := v_waits;
        NEW.since := clock_timestamp();
        NEW.stalled := false;
        NEW.due_at := CASE
            WHEN v_waits <> 'partner' THEN 'infinity'
            -- A date counts for the wait in which it was given.
            WHEN NEW.expected_by IS DISTINCT FROM OLD.expected_by AND NEW.expected_by IS NOT NULL
                THEN NEW.expected_by
            ELSE NEW.since + (SELECT partner_patience FROM onramp.settings)
        END;
    ELSE
        NEW.waiting_on := OLD.waiting_on;
        NEW.since := OLD.since;
        NEW.due_at := OLD.due_at;
        IF NEW.expected_by IS DISTINCT FROM OLD.expected_by AND v_waits = 'partner' THEN
            IF NEW.expected_by IS NOT NULL THEN
                -- A new date re-arms the deadline.
                NEW.stalled := false;
                NEW.due_at := NEW.expected_by;
            ELSIF NOT NEW.stalled THEN
                NEW.due_at := NEW.since + (SELECT partner_patience FROM onramp.settings);
            END IF;
        ELSIF NEW.stalled THEN
            NEW.due_at := 'infinity';
        END IF;
    END IF;
    NEW.shown_as := CASE WHEN NEW.key_quoted_at IS NULL THEN '' ELSE NEW.provider_status END;
    NEW.shown_sequence := CASE
        WHEN NEW.bandwidth_mbps <> OLD.bandwidth_mbps OR NEW.sku_tier <> OLD.sku_tier
             OR NEW.sku_family <> OLD.sku_family OR NEW.key_quoted_at IS NOT NULL
             AND OLD.key_quoted_at IS NULL
        THEN NEW.last_sequence ELSE OLD.shown_sequence END;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION circuit_guarded() IS
    'Refuses what a circuit''s row may not become; keeps since, waiting_on, due_at, listed_as, '
    'shown_as, shown_sequence and previously_requested.';
