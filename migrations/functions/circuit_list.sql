-- SPDX-License-Identifier: Apache-2.0
-- In order of id; with p_older_than in order of since, with p_updated_since in order of change (to
-- the minute), then id. p_after is a position in that order.
CREATE OR REPLACE FUNCTION circuit_list(p_customer uuid, p_after list_position, p_limit int,
                                        p_provider_status text, p_circuit_status text,
                                        p_partner text, p_peering_location text,
                                        p_customer_filter uuid, p_service_key uuid,
                                        p_deleted boolean, p_tag text DEFAULT NULL,
                                        p_stalled boolean DEFAULT NULL,
                                        p_waiting_on text DEFAULT NULL,
                                        p_older_than timestamptz DEFAULT NULL,
                                        p_updated_since timestamptz DEFAULT NULL)
RETURNS SETOF circuit_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    v_after uuid := coalesce((p_after).id, '00000000-0000-0000-0000-000000000000');
    v_at timestamptz := coalesce((p_after).at, '-infinity');
    v_first timestamptz; -- minute of p_updated_since
    v_customer uuid := coalesce(p_customer, p_customer_filter);
    v_deleted boolean := coalesce(p_deleted, false);
    v_by_change boolean := p_updated_since IS NOT NULL AND p_older_than IS NULL;
    v_change text;
    v_timed boolean := num_nonnulls(p_older_than, p_updated_since) > 0;
    v_filters int := num_nonnulls(v_customer, p_partner, p_peering_location, p_service_key, p_tag,
                                  nullif(p_stalled, false));
    -- A query in parts: those that name one circuit, owner, place or tag, the state, and the rest.
    v_from text := 'FROM circuits c';
    v_living text;
    v_pointed text;
    v_state text;
    v_rest text;
    v_order text; -- @ stands for where the columns are
    v_probe text;
    v_few boolean := false;
    v_runs text[];
    v_page uuid[];
BEGIN
    -- A customer sees its own, and none that is deleted.
    IF v_customer <> p_customer_filter OR (p_customer IS NOT NULL AND v_deleted) THEN
        RETURN;
    END IF;

    -- The one comparison that says where the page begins; another one beside it would not be used.
    IF p_updated_since IS NOT NULL AND p_older_than IS NULL THEN
        v_at := minute_of(v_at);
        v_first := minute_of(p_updated_since);
        IF v_at < v_first THEN
            v_at := v_first;
            v_after := '00000000-0000-0000-0000-000000000000';
        END IF;
    END IF;

    -- The two lists that are read all the time keep their plans.
    IF num_nonnulls(p_provider_status, p_circuit_status, p_partner, p_peering_location,
                    p_service_key, p_tag, p_stalled, p_waiting_on, p_older_than,
                    p_updated_since) = 0
       AND NOT v_deleted
    THEN
        IF v_customer IS NOT NULL THEN
            RETURN QUERY SELECT * FROM circuit_view
            WHERE customer_id = v_customer AND deleted_at IS NULL AND id > v_after
            ORDER BY id NULLS FIRST LIMIT p_limit + 1;
        ELSE
            -- A few ordered runs, so that the deleted ones are not read past.
            RETURN QUERY SELECT v.*
            FROM (SELECT c.id
                  FROM status_waits() AS run, LATERAL (
                      SELECT id FROM circuits
                      WHERE listed_as = run.listed_as AND waiting_on = run.waiting_on
                            AND id > v_after
                      ORDER BY id NULLS FIRST LIMIT p_limit + 1) AS c
                  WHERE run.listed_as <> 'Deleted'
                  ORDER BY c.id LIMIT p_limit + 1) AS page
            JOIN circuit_view v ON v.id = page.id
            ORDER BY v.id;
        END IF;
        RETURN;
    END IF;

    -- Any other set of filters is planned by itself, for its own values: the index of the rarest
    -- one is the right one. Only the conditions that apply are written; values stay parameters.
    v_living := concat(
        CASE WHEN v_deleted THEN 'c.listed_as = ''Deleted'' AND c.waiting_on = ''nobody'''
             ELSE 'c.deleted_at IS NULL' END,
        -- As it stands in the indexes that lists in order of a time have.
        CASE WHEN p_older_than IS NOT NULL THEN ' AND (c.deleted_at IS NULL)::int = '
                                                || (NOT v_deleted)::int::text END);
    v_pointed := concat(
        CASE WHEN v_customer IS NOT NULL THEN ' AND c.customer_id = $3' END,
        CASE WHEN p_partner IS NOT NULL THEN ' AND c.partner = $5' END,
        CASE WHEN p_peering_location IS NOT NULL THEN ' AND c.peering_location = $6' END,
        CASE WHEN p_service_key IS NOT NULL THEN ' AND c.service_key = $8' END,
        -- A stalled one waits for the partner, and nothing more is due; that is indexed.
        CASE WHEN p_stalled THEN ' AND c.stalled AND c.waiting_on = ''partner'''
                                 ' AND c.due_at = ''infinity''' END);
    IF p_tag IS NOT NULL THEN
        v_from := 'FROM circuits c JOIN circuit_labels l ON l.circuit_id = c.id AND l.label = $7'
                  || CASE WHEN v_deleted THEN ' AND l.deleted' ELSE ' AND NOT l.deleted' END
                  || CASE WHEN v_customer IS NULL THEN '' ELSE ' AND l.customer_id = $3' END;
        v_pointed := v_pointed || ' AND l.label = $7';
    END IF;
    v_state := concat(
        CASE WHEN p_provider_status IS NULL THEN ''
             WHEN v_deleted THEN ' AND c.provider_status = $4' ELSE ' AND c.listed_as = $4' END,
        CASE WHEN p_waiting_on IS NOT NULL THEN ' AND c.waiting_on = $9' END,
        CASE WHEN p_circuit_status IS NULL THEN ''
             WHEN v_deleted THEN ' AND c.circuit_status = $10'
             -- A living circuit is Disabled when it waits for the operator; that is indexed.
             WHEN p_circuit_status = 'Disabled' THEN ' AND c.waiting_on = ''operator'''
             ELSE ' AND c.waiting_on <> ''operator''' END);
    v_rest := concat(
        CASE WHEN NOT p_stalled THEN ' AND NOT c.stalled' END,
        CASE WHEN p_older_than IS NOT NULL THEN ' AND c.since < $11' END,
        CASE WHEN p_updated_since IS NOT NULL THEN ' AND c.updated_at >= $12' END,
        CASE WHEN p_older_than IS NOT NULL THEN ' AND (c.since, c.id) > ($13, $1)'
             WHEN p_updated_since IS NOT NULL THEN ''
             WHEN p_tag IS NOT NULL THEN ' AND c.id > $1 AND l.circuit_id > $1'
             ELSE ' AND c.id > $1' END);
    v_order := CASE WHEN p_older_than IS NOT NULL THEN '@since, @id'
                    WHEN NOT v_by_change THEN '@id NULLS FIRST'
                    ELSE 'changed_in, circuit_id' END;

    -- Few of one kind are read whole and sorted, so that it does not matter where the others lie:
    -- an order that has none of them on its way is read to its end.
    IF NOT v_deleted AND (v_pointed <> '' AND (v_timed OR v_state <> '' OR v_filters > 1)
                          OR num_nonnulls(p_older_than, p_updated_since) = 2)
    THEN
        FOREACH v_probe IN ARRAY array_remove(ARRAY[
            CASE WHEN num_nonnulls(p_older_than, p_updated_since) = 2 THEN
                'circuit_changes WHERE NOT deleted AND changed_in >= minute_of($8) '
                'ORDER BY changed_in, circuit_id' END,
            CASE WHEN p_stalled THEN
                'circuits WHERE stalled AND waiting_on = ''partner'' '
                'ORDER BY due_at, id NULLS FIRST' END,
            CASE WHEN p_tag IS NOT NULL THEN
                'circuit_labels WHERE NOT deleted AND label = $3 '
                'ORDER BY circuit_id NULLS FIRST' END,
            CASE WHEN v_customer IS NOT NULL THEN
                'circuits WHERE deleted_at IS NULL AND customer_id = $2 '
                'ORDER BY id NULLS FIRST' END,
            CASE WHEN p_peering_location IS NOT NULL THEN
                'circuits WHERE deleted_at IS NULL AND peering_location = $5 '
                'ORDER BY id NULLS FIRST' END,
            CASE WHEN p_partner IS NOT NULL THEN
                'circuits WHERE deleted_at IS NULL AND partner = $4 '
                'ORDER BY shown_as, id NULLS FIRST' END,
            CASE WHEN v_state <> '' THEN
                'status_waits() AS run, LATERAL (SELECT FROM circuits '
                'WHERE listed_as = run.listed_as AND waiting_on = run.waiting_on '
                'ORDER BY id NULLS FIRST LIMIT $1) AS c '
                'WHERE run.listed_as <> ''Deleted'' '
                'AND run.listed_as = coalesce($6, run.listed_as) '
                'AND run.waiting_on = coalesce($7, run.waiting_on) '
                'AND ($9 IS NULL OR ($9 = ''Disabled'') = (run.waiting_on = ''operator''))' END],
            NULL)
        LOOP
            EXECUTE format('SELECT count(*) < $1 FROM (SELECT FROM %s LIMIT $1) AS few', v_probe)
            INTO v_few USING 5000, v_customer, p_tag, p_partner, p_peering_location,
                             p_provider_status, p_waiting_on, p_updated_since, p_circuit_status;
            EXIT WHEN v_few;
        END LOOP;
    END IF;

    -- Few have their changes looked at one by one, many are come by in their order.
    v_change := 'c.updated_at AS changed_in, c.id AS circuit_id';
    IF v_by_change AND v_few THEN
        v_change := 'minute_of(c.updated_at) AS changed_in, c.id AS circuit_id';
        v_rest := v_rest || ' AND (minute_of(c.updated_at), c.id) > ($13, $1)';
    ELSIF v_by_change THEN
        v_change := 'h.changed_in, h.circuit_id';
        v_from := replace(v_from, 'FROM circuits c',
                          'FROM circuit_changes h JOIN circuits c ON c.id = h.circuit_id');
        v_rest := v_rest || CASE WHEN v_deleted THEN ' AND h.deleted' ELSE ' AND NOT h.deleted' END
                  || ' AND (h.changed_in, h.circuit_id) > ($13, $1)';
    END IF;

    -- Where an index has the rows in several ordered runs, each run is a query, and they are
    -- merged. But not where another filter may be the one to go by: it would be read for each run.
    v_runs := CASE
        WHEN v_few THEN '{""}'
        WHEN p_older_than IS NOT NULL THEN ARRAY(
            SELECT DISTINCT format(' AND c.waiting_on = %L', waiting_on) FROM status_waits()
            WHERE waiting_on = coalesce(p_waiting_on, waiting_on)
                  AND CASE WHEN v_deleted THEN listed_as = 'Deleted'
                           ELSE listed_as = coalesce(p_provider_status, listed_as) END)
        WHEN v_timed THEN '{""}'
        WHEN v_pointed = '' THEN ARRAY(
            SELECT format(' AND c.listed_as = %L AND c.waiting_on = %L', listed_as, waiting_on)
            FROM status_waits()
            WHERE waiting_on = coalesce(p_waiting_on, waiting_on)
                  AND CASE WHEN v_deleted THEN listed_as = 'Deleted'
                           ELSE listed_as = coalesce(p_provider_status, listed_as)
                                AND listed_as <> 'Deleted'
                                AND (p_circuit_status IS NULL
                                     OR (p_circuit_status = 'Disabled') = (waiting_on = 'operator'))
                      END)
        WHEN v_filters = 1 AND p_partner IS NOT NULL AND NOT v_deleted THEN ARRAY(
            SELECT format(' AND c.shown_as = %L', shown_as)
            FROM unnest('{"",NotProvisioned,Provisioning,Provisioned,Deprovisioning}'::text[])
                AS shown_as
            WHERE shown_as IN ('', coalesce(p_provider_status, shown_as)))
        ELSE '{""}'
    END;
    IF v_runs = '{}' THEN
        RETURN;
    END IF;
    EXECUTE format(
        'SELECT ARRAY(SELECT id FROM (%s) AS page ORDER BY %s LIMIT $2)',
        (SELECT string_agg(
                    format('SELECT * FROM (SELECT c.id, c.since, %s %s WHERE %s %s) run',
                           v_change, v_from, v_living || v_pointed || v_state || v_rest || run,
                           -- OFFSET 0: the order outside is not for choosing an index by.
                           CASE WHEN v_few THEN 'OFFSET 0'
                                ELSE 'ORDER BY ' || replace(v_order, '@', 'c.') || ' LIMIT $2' END),
                    ' UNION ALL ')
         FROM unnest(v_runs) AS run),
        replace(v_order, '@', ''))
    INTO v_page
    USING v_after, p_limit + 1, v_customer, p_provider_status, p_partner, p_peering_location, p_tag,
          p_service_key, p_waiting_on, p_circuit_status, p_older_than, p_updated_since, v_at;
    RETURN QUERY SELECT v.*
    FROM unnest(v_page) WITH ORDINALITY AS page (id, place) JOIN circuit_view v ON v.id = page.id
    ORDER BY page.place;
END
$$;
COMMENT ON FUNCTION circuit_list IS
    'List circuits, from after p_after on; one more than p_limit. Operators (p_customer null) may '
    'list deleted ones instead.';
GRANT EXECUTE ON FUNCTION circuit_list TO onramp_daemon;
