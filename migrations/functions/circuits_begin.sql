-- SPDX-License-Identifier: Apache-2.0
-- Trigger: what new circuits begin with, written for all that one statement inserts: orders that come
-- together are inserted together, and each statement of a trigger costs 20 us before it does
-- anything. What few circuits have, labels and quotas, is only looked at where there is any.
--
-- Triggers of a statement come behind all those of its rows, foreign keys among them. That check
-- holds the customer's row FOR KEY SHARE, as whoever counts has to, and in a statement of its own,
-- so that what is looked at here was committed before it or will wait for it; and it fails where an
-- older snapshot would overlook a quota. The unique index of service keys has been waited for too.
--
-- Who acts may be another for each circuit: circuit_create_each sets onramp.actors, for its own
-- INSERT, to an object of 'role:name' by id.
CREATE OR REPLACE FUNCTION circuits_begin() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_actors jsonb := nullif(current_setting('onramp.actors', true), '');
    v_actor text := onramp.actor_role() || ':' || onramp.actor_name();
    v_retired boolean;
    v_labelled boolean;
    v_counted boolean;
    r record;
BEGIN
    WITH events AS (
        INSERT INTO onramp.circuit_events
            (circuit_id, sequence, at, type, from_status, to_status, actor_role, actor_name)
        SELECT id, 1, created_at, 'circuit.created', 'NotProvisioned', 'NotProvisioned',
               split_part(actor, ':', 1), substr(actor, strpos(actor, ':') + 1)
        FROM ordered, LATERAL coalesce(v_actors ->> id::text, v_actor) AS actor
    ), changes AS (
        INSERT INTO onramp.circuit_changes (circuit_id, changed_in)
        SELECT id, onramp.minute_of(updated_at) FROM ordered
    )
    -- Each row looks by itself: no plan reads a table whole, not even one made when it was empty.
    SELECT bool_or((SELECT true FROM onramp.retired_service_keys AS retired
                    WHERE retired.service_key = ordered.service_key)),
           bool_or(tags <> '{}'),
           bool_or((SELECT true FROM onramp.circuit_quotas AS quota
                    WHERE quota.customer_id = ordered.customer_id))
    INTO v_retired, v_labelled, v_counted
    FROM ordered;
    IF v_retired THEN
        PERFORM onramp.refused('a_service_key_is_never_used_again',
            'this service key was retired and is never used again');
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM onramp.service_keys_probed((SELECT array_agg(service_key) FROM ordered),
                                           (SELECT id FROM ordered LIMIT 1));
    END IF;
    IF v_labelled THEN
        INSERT INTO onramp.circuit_labels (circuit_id, customer_id, label)
        SELECT id, customer_id, label FROM ordered, onramp.labels_of(tags) AS label;
    END IF;
    IF v_counted THEN
        -- In one order, so that two of these don't wait for each other.
        FOR r IN
            SELECT customer_id, peering_location, count(*) AS circuits
            FROM ordered GROUP BY customer_id, peering_location
            ORDER BY customer_id, peering_location
        LOOP
            PERFORM onramp.quota_count(r.customer_id, r.peering_location, r.circuits::integer);
        END LOOP;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION circuits_begin() IS
    'Writes the first event, the last change and the labels of new circuits, and counts them '
    'against the quotas of their customers.';
