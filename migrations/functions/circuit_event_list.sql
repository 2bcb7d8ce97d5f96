-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION circuit_event_list(p_id uuid, p_customer uuid, p_after bigint,
                                              p_limit int)
RETURNS SETOF event_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r event_view;
BEGIN
    PERFORM FROM circuits
    WHERE id = p_id AND (p_customer IS NULL OR (customer_id = p_customer AND deleted_at IS NULL));
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;
    -- The owner of a circuit learns no name of another customer whose VNet is on it.
    RETURN QUERY
    SELECT e.outcome, e.facts, e.id, e.circuit_id, e.sequence, e.type, e.at, e.occurred_at,
        e.actor_role,
           CASE WHEN p_customer IS NOT NULL AND a.sequence IS NOT NULL THEN 'owner of the VNet'
                ELSE e.actor_name END,
           e.from_status, e.to_status, e.reason
    FROM event_view e
    LEFT JOIN acts_of_vnet_owners a ON a.circuit_id = e.circuit_id AND a.sequence = e.sequence
    WHERE e.circuit_id = p_id AND e.sequence > coalesce(p_after, 0)
    ORDER BY e.sequence LIMIT p_limit + 1;
END
$$;
COMMENT ON FUNCTION circuit_event_list IS
    'List a circuit''s history, by sequence, from after p_after on; one more than p_limit.';
GRANT EXECUTE ON FUNCTION circuit_event_list TO onramp_daemon;
