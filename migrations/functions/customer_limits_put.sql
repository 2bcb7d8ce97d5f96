-- SPDX-License-Identifier: Apache-2.0
-- Null is no limit. Below what is used it is refused, by the CHECKs if it comes to that.
CREATE OR REPLACE FUNCTION customer_limits_put(p_caller caller, p_id uuid, p_circuits int,
    p_circuits_per_location int, p_limit int)
RETURNS SETOF limit_shown
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r limit_shown;
    v_circuits integer := coalesce(p_circuits, 2147483647);
    v_per_location integer := coalesce(p_circuits_per_location, 2147483647);
    v_used bigint;
    v_place text;
    v_used_there bigint;
BEGIN
    -- Waits for whoever orders or deletes, and makes them wait: what is counted next stays so.
    UPDATE customers SET quota_epoch = quota_epoch + 1 WHERE id = p_id;
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;
    SELECT count(*) INTO v_used FROM circuits WHERE customer_id = p_id AND deleted_at IS NULL;
    SELECT peering_location, count(*) INTO v_place, v_used_there
    FROM circuits WHERE customer_id = p_id AND deleted_at IS NULL
    GROUP BY peering_location ORDER BY count(*) DESC, peering_location LIMIT 1;
    IF v_used > v_circuits THEN
        r.outcome := 'customer_circuit_limit_reached';
        r.facts := jsonb_build_object(
            'detail', format('The customer has %s circuits; a limit of %s would be below that.',
                v_used, v_circuits),
            'limit', v_circuits, 'used', v_used, 'scope', 'customer');
    ELSIF v_used_there > v_per_location THEN
        r.outcome := 'location_circuit_limit_reached';
        r.facts := jsonb_build_object(
            'detail', format('The customer has %s circuits at %s; a limit of %s a location would '
                'be below that.',
                             v_used_there, v_place, v_per_location),
            'limit', v_per_location, 'used', v_used_there, 'scope', 'peering_location');
    END IF;
    IF r.outcome IS NOT NULL THEN
        RETURN NEXT r;
        RETURN;
    END IF;

    UPDATE circuit_quotas SET circuits = v_circuits, circuits_per_location = v_per_location
    WHERE customer_id = p_id;
    IF NOT FOUND THEN
        -- used is counted by the trigger.
        INSERT INTO circuit_quotas (customer_id, used, circuits, circuits_per_location)
        VALUES (p_id, 0, v_circuits, v_per_location);
    END IF;
    RETURN QUERY SELECT * FROM limits_shown(p_id) AS l
        ORDER BY l.name COLLATE "C" LIMIT p_limit + 1;
END
$$;
COMMENT ON FUNCTION customer_limits_put IS
    'Set how many circuits a customer may have, in all and at one location.';
GRANT EXECUTE ON FUNCTION customer_limits_put TO onramp_daemon;
