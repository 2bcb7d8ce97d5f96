-- SPDX-License-Identifier: Apache-2.0
-- SPDX-License-Identifier: Apache-2.0
-- Trigger: what connection_create_each and connection_delete_each write in one statement is counted by one
-- statement, not by three a row, each of which costs 20 us before it does anything. They hold the
-- locks of circuits and VNets, and say by onramp.actors, an object of 'role:name' by id, who acts:
-- where that is set connection_counted() leaves the rows to this trigger. All else, what is typed by
-- hand above all, stays there: rows one by one, and before the foreign keys are checked. Both look at
-- the setting when they run, behind the whole query. A WHEN would look when the rows are written, and
-- what the rest of the query sets then would let rows go uncounted.
CREATE OR REPLACE FUNCTION connections_counted() RETURNS trigger
LANGUAGE plpgsql
-- Each row is looked up by itself, by one plan for all: callbacks_write says why.
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_actors jsonb := nullif(current_setting('onramp.actors', true), '');
    v_change smallint := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    v_all boolean;
BEGIN
    IF v_actors IS NULL THEN
        RETURN NULL;
    END IF;
    WITH circuit AS (
        UPDATE onramp.circuits c
        SET used = c.used + v_change, last_sequence = c.last_sequence + 1,
            previous_status = c.provider_status, updated_at = v_now
        FROM counted
        WHERE c.id = counted.circuit_id
        RETURNING c.id, c.last_sequence, c.provider_status, counted.id AS connection_id,
                  nullif(counted.vnet_customer_id, counted.circuit_customer_id) AS guest
    ), event AS (
        INSERT INTO onramp.circuit_events
            (circuit_id, sequence, at, type, from_status, to_status, connection_id,
             vnet_customer_id, actor_role, actor_name)
        SELECT id, last_sequence, v_now,
               CASE TG_OP WHEN 'INSERT' THEN 'connection.created' ELSE 'connection.deleted' END,
               provider_status, provider_status, connection_id, guest,
               split_part(actor, ':', 1), substr(actor, strpos(actor, ':') + 1)
        FROM circuit, LATERAL (SELECT v_actors ->> connection_id::text AS actor) AS who
    ), vnet AS (
        UPDATE onramp.vnets v
        SET used = v.used + v_change, version = v.version + 1, updated_at = v_now
        FROM counted
        WHERE v.id = counted.vnet_id
        RETURNING counted.circuit_id, v.id, v.address_space
    ), connected AS (
        INSERT INTO onramp.circuit_prefixes (circuit_id, vnet_id, prefix)
        SELECT circuit_id, id, unnest(address_space) FROM vnet WHERE TG_OP = 'INSERT'
    ), disconnected AS (
        DELETE FROM onramp.circuit_prefixes p
        USING counted
        WHERE TG_OP = 'DELETE' AND p.circuit_id = counted.circuit_id
              AND p.vnet_id = counted.vnet_id)
    SELECT count(*) = (SELECT count(*) FROM circuit) AND count(*) = (SELECT count(*) FROM vnet)
    INTO v_all
    FROM counted;
    -- An UPDATE changes a row once, however many join it.
    IF NOT v_all THEN
        PERFORM onramp.refused('a_set_of_connections_has_each_circuit_and_vnet_once',
            'connections that are written in a set are of circuits and VNets apart');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION connections_counted() IS
    'Counts a set of connections on both sides, writes their events, keeps circuit_prefixes.';
