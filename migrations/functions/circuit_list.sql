-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION circuit_list(p_customer uuid, p_after uuid, p_limit int,
                                        p_provider_status text, p_circuit_status text,
                                        p_partner text, p_peering_location text,
                                        p_customer_filter uuid, p_service_key uuid,
                                        p_deleted boolean)
RETURNS SETOF circuit_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    v_after uuid := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
    v_customer uuid := coalesce(p_customer, p_customer_filter);
    v_deleted boolean := coalesce(p_deleted, false);
    v_query text;
    v_runs text[];
    v_run text;
BEGIN
    -- A customer sees its own, and none that is deleted.
    IF v_customer <> p_customer_filter OR (p_customer IS NOT NULL AND v_deleted) THEN
        RETURN;
    END IF;

    -- The two lists that are read all the time keep their plans.
    IF num_nonnulls(p_provider_status, p_circuit_status, p_partner, p_peering_location,
                    p_service_key) = 0
       AND NOT v_deleted
    THEN
        IF v_customer IS NOT NULL THEN
            RETURN QUERY SELECT * FROM circuit_view
            WHERE customer_id = v_customer AND deleted_at IS NULL AND id > v_after
            ORDER BY id NULLS FIRST LIMIT p_limit + 1;
        ELSE
            -- Four ordered scans merged, so that the deleted ones are not read past.
            RETURN QUERY SELECT v.*
            FROM ((SELECT id FROM circuits WHERE listed_as = 'NotProvisioned' AND id > v_after
                   ORDER BY id NULLS FIRST LIMIT p_limit + 1)
                  UNION ALL
                  (SELECT id FROM circuits WHERE listed_as = 'Provisioning' AND id > v_after
                   ORDER BY id NULLS FIRST LIMIT p_limit + 1)
                  UNION ALL
                  (SELECT id FROM circuits WHERE listed_as = 'Provisioned' AND id > v_after
                   ORDER BY id NULLS FIRST LIMIT p_limit + 1)
                  UNION ALL
                  (SELECT id FROM circuits WHERE listed_as = 'Deprovisioning' AND id > v_after
                   ORDER BY id NULLS FIRST LIMIT p_limit + 1)
                  ORDER BY id NULLS FIRST LIMIT p_limit + 1) AS page
            JOIN circuit_view v ON v.id = page.id
            ORDER BY v.id;
        END IF;
        RETURN;
    END IF;

    -- Any other set of filters is planned by itself, for its own values: the index of the rarest
    -- one is the right one. Only the conditions that apply are written; values stay parameters.
    v_query := 'SELECT id FROM circuits WHERE id > $1'
        || CASE WHEN v_deleted THEN ' AND listed_as = ''Deleted'''
                ELSE ' AND deleted_at IS NULL' END
        || CASE WHEN p_provider_status IS NULL THEN ''
                WHEN v_deleted THEN ' AND provider_status = $4'
                ELSE ' AND listed_as = $4' END
        || CASE WHEN v_customer IS NOT NULL THEN ' AND customer_id = $3' ELSE '' END
        || CASE p_circuit_status
               -- A living circuit is Disabled when it waits on the operator, and that is indexed.
               WHEN 'Disabled' THEN CASE WHEN v_deleted THEN ' AND circuit_status = ''Disabled'''
                                         ELSE ' AND waiting_on = ''operator'''
                                              ' AND due_at = ''infinity''' END
               WHEN 'Enabled' THEN ' AND circuit_status = ''Enabled''' ELSE '' END
        || CASE WHEN p_partner IS NOT NULL THEN ' AND partner = $5' ELSE '' END
        || CASE WHEN p_peering_location IS NOT NULL THEN ' AND peering_location = $6' ELSE '' END
        || CASE WHEN p_service_key IS NOT NULL THEN ' AND service_key = $7' ELSE '' END;

    -- Where an index has the rows in several ordered runs, each run is a query, and they are
    -- merged.
    IF p_partner IS NOT NULL AND NOT v_deleted THEN
        v_runs := CASE WHEN p_provider_status IS NULL
                       THEN '{"",NotProvisioned,Provisioning,Provisioned,Deprovisioning}'
                       ELSE ARRAY['', p_provider_status] END;
        v_run := ' AND shown_as = %L';
    ELSIF p_circuit_status = 'Enabled' AND NOT v_deleted
          AND num_nonnulls(p_provider_status, p_peering_location, v_customer, p_service_key) = 0
    THEN
        v_runs := '{NotProvisioned,Provisioning,Provisioned,Deprovisioning}';
        v_run := ' AND listed_as = %L';
    ELSE
        v_runs := '{all}';
        v_run := '';
    END IF;
    v_query := (
        SELECT string_agg(format('SELECT id FROM (%s%s ORDER BY id NULLS FIRST LIMIT $2) AS run',
                                 v_query, format(v_run, run)), ' UNION ALL ')
        FROM unnest(v_runs) AS run);
    RETURN QUERY EXECUTE format(
        'SELECT v.* FROM (%s ORDER BY id NULLS FIRST LIMIT $2) AS page '
        'JOIN circuit_view v ON v.id = page.id ORDER BY v.id',
        v_query)
    USING v_after, p_limit + 1, v_customer, p_provider_status, p_partner, p_peering_location,
          p_service_key;
END
$$;
COMMENT ON FUNCTION circuit_list IS
    'List circuits, by id, from after p_after on; one more than p_limit. Operators (p_customer '
    'null) may list deleted ones instead.';
GRANT EXECUTE ON FUNCTION circuit_list TO onramp_daemon;
