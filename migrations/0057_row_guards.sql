-- SPDX-License-Identifier: Apache-2.0
-- Guards of columns, row by row. A trigger of a statement with a list of columns fires once for each
-- query and table, by the columns of whichever UPDATE comes first in it: a second UPDATE in the same
-- query (a CTE, an ON CONFLICT DO UPDATE) passes it. A trigger of rows sees every row that is written,
-- however the statement came to it. One function a table, with the table's rules in one place: it
-- costs 2 us, where four triggers with a WHEN each cost 57. Triggers of a whole verb (TRUNCATE,
-- DELETE) do hold, and stay.

-- For tables whose rules are no more than columns that never change, and whose rows seldom do.
CREATE FUNCTION keep() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_old jsonb := to_jsonb(OLD);
    v_new jsonb := to_jsonb(NEW);
BEGIN
    FOR i IN 1 .. TG_NARGS - 1 LOOP
        IF v_old -> TG_ARGV[i] IS DISTINCT FROM v_new -> TG_ARGV[i] THEN
            PERFORM onramp.refused(TG_NAME, TG_ARGV[0]);
        END IF;
    END LOOP;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION keep() IS
    'Refuses, with the first argument as reason, to change any of the columns that the others name.';

-- --- circuits ---

ALTER TABLE circuits ADD COLUMN previously_requested boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN circuits.previously_requested IS
    'Whether a deprovision request was open before the last event. Kept by a trigger.';

-- The rules are in circuit_guarded().
DROP TRIGGER a_circuit_keeps_what_it_is ON circuits;
DROP TRIGGER a_circuits_connections_are_counted_by_trigger ON circuits;

-- Left open by events that were written by hand. No event: it can't be withdrawn, and nobody is asked
-- for anything any more.
UPDATE circuits SET deprovision_requested_at = NULL, delete_when_deprovisioned = false
WHERE (provider_status = 'NotProvisioned' AND deprovision_requested_at IS NOT NULL)
      OR (delete_when_deprovisioned
          AND (provider_status = 'NotProvisioned' OR deprovision_requested_at IS NULL));

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

-- What stands in an index is seen by whoever writes to it, whatever its snapshot: a key that was
-- retired after the snapshot of a transaction is found by trying to retire it once more. Nothing stays
-- of that: it is undone with the block.
CREATE FUNCTION service_keys_probed(p_keys uuid[], p_circuit uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO onramp.retired_service_keys (service_key, circuit_id)
    SELECT key, p_circuit FROM unnest(p_keys) AS key;
    RAISE EXCEPTION USING ERRCODE = 'ON001', MESSAGE = 'none of these keys was retired';
EXCEPTION
    WHEN SQLSTATE 'ON001' THEN
        NULL;
    WHEN unique_violation THEN
        PERFORM onramp.refused('a_service_key_is_never_used_again',
            'this service key was retired and is never used again');
END
$$;
COMMENT ON FUNCTION service_keys_probed(uuid[], uuid) IS
    'Refuses keys that were retired, also after this transaction''s snapshot. The circuit is any one.';

CREATE OR REPLACE FUNCTION service_key_replaced() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.service_key = OLD.service_key THEN
        RETURN NULL;
    END IF;
    INSERT INTO onramp.retired_service_keys (service_key, circuit_id)
    VALUES (OLD.service_key, OLD.id);
    IF EXISTS (SELECT FROM onramp.retired_service_keys WHERE service_key = NEW.service_key) THEN
        PERFORM onramp.refused('a_service_key_is_never_used_again',
            'this service key was retired and is never used again');
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM onramp.service_keys_probed(ARRAY[NEW.service_key], NEW.id);
    END IF;
    RETURN NULL;
END
$$;

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

CREATE TRIGGER keys_are_retired_by_trigger BEFORE INSERT ON retired_service_keys
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('a service key is retired when its circuit gets another one');

-- --- VNets ---

DROP TRIGGER a_vnet_keeps_what_it_is ON vnets;
DROP TRIGGER a_vnets_connections_are_counted_by_trigger ON vnets;
DROP TRIGGER a_vnet_is_guarded ON vnets;
CREATE OR REPLACE FUNCTION vnet_guarded() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.gateway_subnet IS NOT NULL
        AND NOT NEW.gateway_subnet::inet <<= ANY (NEW.address_space::inet[]) THEN
        PERFORM onramp.refused('a_gateway_lies_inside_the_address_space',
            'a gateway lies inside the address space of its VNet');
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.used <> 0 THEN
            PERFORM onramp.refused('a_vnet_begins_unconnected', 'a VNet begins unconnected');
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.id <> OLD.id OR NEW.customer_id <> OLD.customer_id OR NEW.created_at <> OLD.created_at
       OR NEW.version < OLD.version
    THEN
        PERFORM onramp.refused('a_vnet_keeps_what_it_is',
            'the identity and owner of a VNet never change, and its version never falls');
    END IF;
    -- One trigger deep: by hand. The triggers of connections come in below it.
    IF NEW.used <> OLD.used AND pg_trigger_depth() = 1 THEN
        PERFORM onramp.refused('a_vnets_connections_are_counted_by_trigger',
            'used follows the rows of connections and is never set');
    END IF;
    -- So that circuit_prefixes, filled at connecting, stays true. Another order is no other space.
    IF OLD.used > 0 AND (NEW.gateway_subnet IS DISTINCT FROM OLD.gateway_subnet
                         OR NOT (NEW.address_space @> OLD.address_space
                                 AND NEW.address_space <@ OLD.address_space))
    THEN
        PERFORM onramp.refused('a_connected_vnet_keeps_its_addresses',
            'a connected VNet keeps its address space and its gateway');
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER a_vnet_is_guarded BEFORE INSERT OR UPDATE ON vnets
    FOR EACH ROW EXECUTE FUNCTION vnet_guarded();

-- --- quotas ---

DROP TRIGGER circuits_are_counted_by_trigger ON circuit_quotas;
DROP TRIGGER circuits_are_counted_by_trigger ON circuit_location_quotas;
CREATE FUNCTION circuit_quota_guarded() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.customer_id <> OLD.customer_id THEN
        PERFORM onramp.refused('a_quota_stays_with_its_customer',
            'a quota stays with its customer');
    END IF;
    IF NEW.used <> OLD.used AND pg_trigger_depth() = 1 THEN
        PERFORM onramp.refused('circuits_are_counted_by_trigger',
            'used follows the rows of circuits and is never set');
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION circuit_quota_guarded() IS 'Refuses what the row of a quota may not become.';
CREATE TRIGGER a_quota_is_guarded_by_row BEFORE UPDATE ON circuit_quotas
    FOR EACH ROW EXECUTE FUNCTION circuit_quota_guarded();
CREATE FUNCTION circuit_location_quota_guarded() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.customer_id <> OLD.customer_id OR NEW.peering_location <> OLD.peering_location THEN
        PERFORM onramp.refused('a_location_quota_stays_where_it_is',
            'a quota at a location stays with its customer and its location');
    END IF;
    IF NEW.used <> OLD.used AND pg_trigger_depth() = 1 THEN
        PERFORM onramp.refused('circuits_are_counted_by_trigger',
            'used follows the rows of circuits and is never set');
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION circuit_location_quota_guarded() IS
    'Refuses what the row of a quota at a location may not become.';
CREATE TRIGGER a_location_quota_is_guarded_by_row BEFORE UPDATE ON circuit_location_quotas
    FOR EACH ROW EXECUTE FUNCTION circuit_location_quota_guarded();
CREATE TRIGGER a_limit_stays_with_its_tier_and_bandwidth BEFORE UPDATE ON vnet_limits
    FOR EACH ROW EXECUTE FUNCTION keep('a limit stays with its tier and bandwidth',
        'tier', 'bandwidth_mbps');

-- --- customers, partners, and what opens a door to them ---

CREATE TRIGGER a_customer_keeps_its_identity BEFORE UPDATE ON customers
    FOR EACH ROW EXECUTE FUNCTION keep('the identity of a customer never changes',
        'id', 'created_at');
CREATE TRIGGER a_partner_keeps_its_name BEFORE UPDATE ON partners
    FOR EACH ROW EXECUTE FUNCTION keep('the slug of a partner never changes',
        'name', 'created_at');
CREATE TRIGGER a_location_keeps_its_name BEFORE UPDATE ON peering_locations
    FOR EACH ROW EXECUTE FUNCTION keep('the name of a peering location never changes', 'name');
CREATE TRIGGER a_callback_secret_keeps_its_partner BEFORE UPDATE ON callback_secrets
    FOR EACH ROW EXECUTE FUNCTION keep('a secret stays with the partner that it was issued to',
        'id', 'partner', 'created_at');
CREATE TRIGGER a_webhook_secret_keeps_its_endpoint BEFORE UPDATE ON webhook_secrets
    FOR EACH ROW EXECUTE FUNCTION keep('a secret stays with the endpoint that it was issued to',
        'id', 'endpoint_id', 'created_at');
DROP TRIGGER an_authorization_keeps_what_it_opens ON authorizations;
CREATE TRIGGER an_authorization_keeps_what_it_opens BEFORE UPDATE ON authorizations
    FOR EACH ROW EXECUTE FUNCTION keep(
        'the key, owner and circuit of an authorization never change',
        'id', 'customer_id', 'circuit_id', 'authorization_key', 'created_at');

CREATE FUNCTION token_guarded() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.key_id, NEW.sha256, NEW.role, NEW.customer_id, NEW.partner, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.key_id, OLD.sha256, OLD.role, OLD.customer_id, OLD.partner, OLD.created_at)
    THEN
        PERFORM onramp.refused('a_token_keeps_its_holder', 'a token stays with its holder');
    END IF;
    IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL THEN
        PERFORM onramp.refused('a_revoked_token_stays_revoked', 'a revoked token stays revoked');
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION token_guarded() IS 'Refuses what the row of a token may not become.';
CREATE TRIGGER a_token_is_guarded_by_row BEFORE UPDATE ON tokens
    FOR EACH ROW EXECUTE FUNCTION token_guarded();

-- --- webhooks ---

DROP TRIGGER an_endpoint_keeps_its_owner ON webhook_endpoints;
CREATE FUNCTION webhook_endpoint_guarded() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.role, NEW.customer_id, NEW.partner, NEW.created_at)
       IS DISTINCT FROM (OLD.id, OLD.role, OLD.customer_id, OLD.partner, OLD.created_at)
    THEN
        PERFORM onramp.refused('an_endpoint_keeps_its_owner',
            'the identity and owner of an endpoint never change');
    END IF;
    IF OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL THEN
        PERFORM onramp.refused('a_deleted_endpoint_stays_deleted',
            'a deleted endpoint stays deleted');
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION webhook_endpoint_guarded() IS 'Refuses what the row of an endpoint may not become.';
CREATE TRIGGER an_endpoint_is_guarded_by_row BEFORE UPDATE ON webhook_endpoints
    FOR EACH ROW EXECUTE FUNCTION webhook_endpoint_guarded();

-- Deliveries are many, so column by column and not as a row of jsonb; the body last, it is long.
DROP TRIGGER a_delivery_keeps_what_it_says ON deliveries;
CREATE FUNCTION delivery_guarded() RETURNS trigger
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
CREATE TRIGGER a_delivery_is_guarded_by_row BEFORE UPDATE ON deliveries
    FOR EACH ROW EXECUTE FUNCTION delivery_guarded();

-- --- the feed ---

-- What comes to the feed leaves the unpublished by that alone: it can't come once more.
CREATE OR REPLACE FUNCTION feed_continued() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_first bigint;
    v_last bigint;
    v_count bigint;
BEGIN
    SELECT min(position), max(position), count(*) INTO v_first, v_last, v_count FROM published;
    IF v_count = 0 THEN
        RETURN NULL;
    END IF;
    IF v_last - v_first + 1 <> v_count
       OR v_first <> 1 + coalesce((SELECT max(position) FROM onramp.feed
                                   WHERE position < v_first), 0)
       OR v_last <> (SELECT max(position) FROM onramp.feed)
    THEN
        PERFORM onramp.refused('positions_of_the_feed_have_no_gaps',
            'the feed goes on where it ends, without gaps');
    END IF;
    IF v_count <> (SELECT count(*) FROM published p
                   JOIN onramp.events_unpublished u ON u.seq = p.seq
                   WHERE (u.circuit_id, u.sequence, u.at, u.customer_id, u.service_key,
                          u.vnet_customer_id, u.partner, u.traceparent)
                         IS NOT DISTINCT FROM
                         (p.circuit_id, p.sequence, p.at, p.customer_id, p.service_key,
                          p.vnet_customer_id, p.partner, p.traceparent))
    THEN
        PERFORM onramp.refused('the_feed_holds_what_was_announced',
            'what comes to the feed comes from events_unpublished, as it is there');
    END IF;
    DELETE FROM onramp.events_unpublished WHERE seq IN (SELECT seq FROM published);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION feed_continued() IS
    'Refuses rows of the feed that do not go on where it ends, or that no event announced; takes those '
    'that it lets in from the unpublished.';

-- --- histories and what is remembered ---

-- The event is there before the act is noted.
CREATE FUNCTION act_noted() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM onramp.circuit_events
                   WHERE circuit_id = NEW.circuit_id AND sequence = NEW.sequence
                         AND vnet_customer_id = NEW.customer_id) THEN
        PERFORM onramp.refused('an_act_is_of_the_vnets_owner',
            'who acted on another''s circuit is the owner of the VNet that the event names');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION act_noted() IS 'Refuses an act of somebody whom its event does not name.';
CREATE TRIGGER an_act_is_of_the_vnets_owner AFTER INSERT ON acts_of_vnet_owners
    FOR EACH ROW EXECUTE FUNCTION act_noted();

CREATE TRIGGER what_is_remembered_of_a_callback_never_changes
    BEFORE UPDATE OR TRUNCATE ON remembered_callbacks
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('what is remembered of a callback never changes');
CREATE FUNCTION callback_forgotten() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.answered_at > clock_timestamp() - interval '8 days' THEN
        PERFORM onramp.refused('a_callback_is_remembered_for_8_days',
            'a callback that was answered is remembered for 8 days');
    END IF;
    RETURN OLD;
END
$$;
COMMENT ON FUNCTION callback_forgotten() IS 'Refuses to forget a callback before its time.';
CREATE TRIGGER a_callback_is_remembered_for_8_days BEFORE DELETE ON remembered_callbacks
    FOR EACH ROW EXECUTE FUNCTION callback_forgotten();

-- Without the row every rule that asks it for a time would hold of nothing.
CREATE TRIGGER the_settings_are_never_deleted BEFORE DELETE OR TRUNCATE ON settings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('the settings are changed, not deleted');
