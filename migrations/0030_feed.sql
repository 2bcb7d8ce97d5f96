-- SPDX-License-Identifier: Apache-2.0
-- The feed: every event, once, in one order that is fit for a cursor.
--
-- A number that a writer draws is none: a writer that commits late would put its event behind the
-- back of whoever has read past it. So the writer of an event leaves a row in events_unpublished,
-- numbered under the circuit's lock, and one publisher at a time moves what is committed to feed,
-- giving positions without gaps. What is behind a position never changes any more.
--
-- Who hears an event is decided when it is written, in its own transaction: a key that is quoted or
-- replaced before the publisher comes changes nothing about it.

-- What an event may have changed of what the partner sees, and of nothing else is it told.
ALTER TABLE circuits ADD COLUMN shown_sequence bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN circuits.shown_sequence IS
    'The last event that changed bandwidth, SKU or whether the key is quoted: an update that the '
    'partner sees. Kept by a trigger.';

ALTER TABLE circuit_events ADD COLUMN vnet_customer_id uuid;
COMMENT ON COLUMN circuit_events.vnet_customer_id IS
    'The owner of the connection''s VNet, where that is not the circuit''s owner.';

ALTER TABLE settings ADD COLUMN feed_retention interval NOT NULL DEFAULT '30 days'
    CONSTRAINT the_feed_is_kept_for_some_time CHECK (feed_retention > interval '0');
COMMENT ON COLUMN settings.feed_retention IS 'How long events stay in the feed.';

-- Rows come and go within a tenth of a second. No index but the key, no CHECK, no foreign key:
-- every event pays for what is here.
CREATE TABLE events_unpublished (
    -- From a sequence without a cache, drawn under the circuit's lock: events of one circuit have
    -- their numbers in the order in which they happened.
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    circuit_id uuid NOT NULL,
    sequence bigint NOT NULL,
    at timestamptz NOT NULL,
    customer_id uuid NOT NULL,
    service_key uuid,
    vnet_customer_id uuid,
    partner text COLLATE "C",
    traceparent text
)
-- Every row dies at once: vacuum it as soon as there is a burst of them, and without pauses.
WITH (autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0,
      autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE events_unpublished IS
    'Events that have been written and are not in the feed yet. Filled by a trigger, emptied by '
    'feed_publish.';
COMMENT ON COLUMN events_unpublished.seq IS
    'Rises with the events of each circuit; between circuits it means nothing.';
COMMENT ON COLUMN events_unpublished.circuit_id IS 'The circuit of the event.';
COMMENT ON COLUMN events_unpublished.sequence IS 'The number of the event.';
COMMENT ON COLUMN events_unpublished.at IS 'The time of the event, which leads to its month.';
COMMENT ON COLUMN events_unpublished.customer_id IS 'The owner of the circuit: hears everything.';
COMMENT ON COLUMN events_unpublished.service_key IS
    'The key as of the event, where the partner hears it.';
COMMENT ON COLUMN events_unpublished.vnet_customer_id IS
    'Another customer that hears it: the owner of the connection''s VNet.';
COMMENT ON COLUMN events_unpublished.partner IS
    'The partner, if it hears the event: it has quoted the key, and sees what changed.';
COMMENT ON COLUMN events_unpublished.traceparent IS
    'The W3C trace context of the request that wrote it.';

CREATE TABLE feed (
    position bigint PRIMARY KEY,
    seq bigint NOT NULL,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    circuit_id uuid NOT NULL,
    sequence bigint NOT NULL,
    at timestamptz NOT NULL,
    customer_id uuid NOT NULL,
    service_key uuid,
    vnet_customer_id uuid,
    partner text COLLATE "C",
    traceparent text
);
-- One for each audience, so that a page costs what is on it, whatever others hear. NULLS FIRST for
-- the reason that the indexes of circuits have it.
CREATE INDEX feed_of_customer ON feed (customer_id, position NULLS FIRST);
CREATE INDEX feed_of_vnet_owner ON feed (vnet_customer_id, position NULLS FIRST)
    WHERE vnet_customer_id IS NOT NULL;
CREATE INDEX feed_of_partner ON feed (partner, position NULLS FIRST) WHERE partner IS NOT NULL;
COMMENT ON TABLE feed IS
    'Events in the order of the feed. Rows are never changed; the oldest are swept away.';
COMMENT ON COLUMN feed.position IS
    'Counts 1, 2, 3 ... without gaps; what a cursor holds. What has a position has committed.';
COMMENT ON COLUMN feed.seq IS 'Its number among the unpublished.';
COMMENT ON COLUMN feed.published_at IS 'When it was published.';
COMMENT ON COLUMN feed.circuit_id IS 'The circuit of the event.';
COMMENT ON COLUMN feed.sequence IS 'The number of the event.';
COMMENT ON COLUMN feed.at IS 'The time of the event, which leads to its month.';
COMMENT ON COLUMN feed.customer_id IS 'The owner of the circuit: hears everything.';
COMMENT ON COLUMN feed.service_key IS 'The key as of the event, where the partner hears it.';
COMMENT ON COLUMN feed.vnet_customer_id IS
    'Another customer that hears it: the owner of the connection''s VNet.';
COMMENT ON COLUMN feed.partner IS
    'The partner, if it hears the event: it had quoted the key, and sees what changed.';
COMMENT ON COLUMN feed.traceparent IS 'The W3C trace context of the request that wrote it.';

-- As before, but that the event goes to the unpublished, in the statement that looks where the
-- circuit stands and whether the event is an edge of the graph.
CREATE OR REPLACE FUNCTION event_moves_circuit() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.type = 'circuit.created') <> (NEW.sequence = 1) THEN
        PERFORM onramp.refused('a_history_begins_with_the_order',
            'a history begins with circuit.created, and has it once');
    END IF;
    IF (left(NEW.type, 11) = 'connection.') <> (NEW.connection_id IS NOT NULL) THEN
        PERFORM onramp.refused('an_event_of_a_connection_names_it',
            'an event of a connection names it, and no other does');
    END IF;
    LOOP
        INSERT INTO onramp.events_unpublished
            (circuit_id, sequence, at, customer_id, service_key, vnet_customer_id, partner,
             traceparent)
        SELECT NEW.circuit_id, NEW.sequence, NEW.at, c.customer_id,
               CASE WHEN heard.by_partner THEN c.service_key END, NEW.vnet_customer_id,
               CASE WHEN heard.by_partner THEN c.partner END,
               nullif(current_setting('onramp.traceparent', true), '')
        FROM onramp.circuits c,
             onramp.provider_transition t,
             LATERAL (SELECT c.key_quoted_at IS NOT NULL AND NEW.connection_id IS NULL
                             AND (NEW.type <> 'circuit.updated' OR c.shown_sequence = NEW.sequence)
                             AS by_partner) heard
        WHERE c.id = NEW.circuit_id AND c.last_sequence = NEW.sequence
              AND c.previous_status = NEW.from_status AND c.provider_status = NEW.to_status
              AND c.updated_at = NEW.at
              AND t.from_status = NEW.from_status AND t.event = NEW.type
              AND t.to_status = NEW.to_status;
        IF FOUND THEN
            RETURN NULL;
        END IF;
        IF NOT EXISTS (SELECT FROM onramp.provider_transition
                       WHERE from_status = NEW.from_status AND event = NEW.type
                             AND to_status = NEW.to_status) THEN
            PERFORM onramp.refused('an_event_follows_an_edge_of_the_graph',
                'an event follows an edge of the graph of provider status');
        END IF;
        UPDATE onramp.circuits
        SET last_sequence = NEW.sequence, previous_status = NEW.from_status,
            provider_status = NEW.to_status, updated_at = NEW.at
        WHERE id = NEW.circuit_id AND last_sequence = NEW.sequence - 1
            AND provider_status = NEW.from_status;
        IF NOT FOUND THEN
            PERFORM onramp.refused('an_event_moves_its_circuit',
                'an event moves its circuit from the status and the event that it stands at');
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION event_moves_circuit() IS
    'Moves the circuit by its new event and leaves the event to the publisher, or refuses it.';

-- As before, and shown_sequence.
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
        NEW.updated_at := NEW.created_at; -- the time of its first event
        NEW.listed_as := 'NotProvisioned';
        NEW.shown_as := CASE WHEN NEW.key_quoted_at IS NULL THEN '' ELSE NEW.provider_status END;
        NEW.waiting_on := onramp.waits_for(NEW.circuit_status, NEW.provider_status,
            NEW.deprovision_requested_at IS NOT NULL, NEW.key_quoted_at IS NOT NULL,
            NEW.returned, false);
        RETURN NEW;
    END IF;

    IF NOT (NEW.last_sequence = OLD.last_sequence + 1 AND NEW.previous_status = OLD.provider_status)
       AND NOT (NEW.last_sequence = OLD.last_sequence AND NEW.provider_status = OLD.provider_status
                AND NEW.previous_status = OLD.previous_status)
    THEN
        PERFORM onramp.refused('a_circuit_moves_by_one_event',
            'a circuit moves by one event at a time, from the status that it stands at');
    END IF;
    IF NEW.sku_tier = 'Local' AND NEW.sku_family <> 'UnlimitedData' THEN
        PERFORM onramp.refused('a_local_circuit_is_not_metered',
            'a Local circuit is UnlimitedData');
    END IF;
    IF NEW.deleted_at IS NOT NULL AND (NEW.used > 0 OR NEW.provider_status <> 'NotProvisioned') THEN
        PERFORM onramp.refused('a_deleted_circuit_is_empty_and_not_provisioned',
            'a deleted circuit is empty and not provisioned');
    END IF;
    IF OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS DISTINCT FROM OLD.deleted_at THEN
        PERFORM onramp.refused('a_deleted_circuit_stays_deleted',
            'a deleted circuit stays deleted');
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
    'shown_as and shown_sequence.';

-- As before, and vnet_customer_id: when a connection is deleted nobody can look its VNet up later.
CREATE OR REPLACE FUNCTION connection_counted() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_space cidr[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        WITH circuit AS (
            UPDATE onramp.circuits
            SET used = used + 1, last_sequence = last_sequence + 1,
                previous_status = provider_status, updated_at = v_now
            WHERE id = NEW.circuit_id
            RETURNING id, last_sequence, provider_status)
        INSERT INTO onramp.circuit_events
            (circuit_id, sequence, at, type, from_status, to_status, connection_id,
             vnet_customer_id, actor_role, actor_name)
        SELECT id, last_sequence, v_now, 'connection.created', provider_status, provider_status,
               NEW.id, nullif(NEW.vnet_customer_id, NEW.circuit_customer_id),
               onramp.actor_role(), onramp.actor_name()
        FROM circuit;
        UPDATE onramp.vnets SET used = used + 1, version = version + 1, updated_at = v_now
        WHERE id = NEW.vnet_id
        RETURNING address_space INTO v_space;
        INSERT INTO onramp.circuit_prefixes (circuit_id, vnet_id, prefix)
        SELECT NEW.circuit_id, NEW.vnet_id, unnest(v_space);
    ELSE
        WITH circuit AS (
            UPDATE onramp.circuits
            SET used = used - 1, last_sequence = last_sequence + 1,
                previous_status = provider_status, updated_at = v_now
            WHERE id = OLD.circuit_id
            RETURNING id, last_sequence, provider_status)
        INSERT INTO onramp.circuit_events
            (circuit_id, sequence, at, type, from_status, to_status, connection_id,
             vnet_customer_id, actor_role, actor_name)
        SELECT id, last_sequence, v_now, 'connection.deleted', provider_status, provider_status,
               OLD.id, nullif(OLD.vnet_customer_id, OLD.circuit_customer_id),
               onramp.actor_role(), onramp.actor_name()
        FROM circuit;
        UPDATE onramp.vnets SET used = used - 1, version = version + 1, updated_at = v_now
        WHERE id = OLD.vnet_id;
        DELETE FROM onramp.circuit_prefixes
        WHERE circuit_id = OLD.circuit_id AND vnet_id = OLD.vnet_id;
    END IF;
    RETURN NULL;
END
$$;

-- Guards against DML by hand, the owner's too: an event comes to the unpublished by its own
-- trigger, goes from there to the feed and from nowhere else, and leaves the feed at its old end
-- when its time has come.
CREATE TRIGGER events_are_announced_by_trigger BEFORE INSERT ON events_unpublished
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('events_unpublished follows circuit_events and is never written');
CREATE TRIGGER an_announcement_is_never_changed BEFORE UPDATE OR TRUNCATE ON events_unpublished
    FOR EACH STATEMENT
        EXECUTE FUNCTION refuse('what is to be published is never changed or truncated');
CREATE TRIGGER a_place_in_the_feed_is_never_changed BEFORE UPDATE OR TRUNCATE ON feed
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('the feed is never changed or truncated');

CREATE FUNCTION feed_continued() RETURNS trigger
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
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION feed_continued() IS
    'Refuses rows of the feed that do not go on where it ends, or that no event announced.';
CREATE TRIGGER the_feed_goes_on_where_it_ends AFTER INSERT ON feed
    REFERENCING NEW TABLE AS published
    FOR EACH STATEMENT EXECUTE FUNCTION feed_continued();

CREATE FUNCTION announcement_published() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- What is published in this transaction stands at the end of the feed: no index on seq.
    IF EXISTS (SELECT FROM gone
               WHERE seq NOT IN (SELECT seq FROM onramp.feed ORDER BY position DESC
                                 LIMIT (SELECT count(*) FROM gone)))
    THEN
        PERFORM onramp.refused('an_announcement_ends_in_the_feed',
            'an event leaves events_unpublished for the feed alone');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION announcement_published() IS
    'Refuses to take an event from the unpublished that is not in the feed.';
CREATE TRIGGER an_announcement_ends_in_the_feed AFTER DELETE ON events_unpublished
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION announcement_published();

-- The newest row stays whatever its age: the next position counts from it.
CREATE FUNCTION feed_forgotten() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_last bigint;
    v_newest timestamptz;
BEGIN
    SELECT max(position), max(published_at) INTO v_last, v_newest FROM gone;
    IF v_newest >= clock_timestamp() - (SELECT feed_retention FROM onramp.settings)
       OR EXISTS (SELECT FROM onramp.feed WHERE position < v_last)
       OR (v_last IS NOT NULL AND NOT EXISTS (SELECT FROM onramp.feed))
    THEN
        PERFORM onramp.refused('the_feed_is_forgotten_from_its_old_end',
            'the feed loses its oldest rows, once their time has come, and never the newest');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION feed_forgotten() IS
    'Refuses to take rows from the feed that are not its oldest, or not old enough.';
CREATE TRIGGER the_feed_is_forgotten_from_its_old_end AFTER DELETE ON feed
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION feed_forgotten();

-- One more column than event_view for the cursor, and the key, which partners alone are told.
CREATE VIEW feed_event_view AS
SELECT e.outcome, e.facts, f.position, e.id, e.circuit_id, e.sequence, e.type, e.at, e.occurred_at,
       e.actor_role, e.actor_name, e.from_status, e.to_status, e.reason, f.service_key
FROM feed f
JOIN event_view e ON e.circuit_id = f.circuit_id AND e.sequence = f.sequence AND e.at = f.at;
COMMENT ON VIEW feed_event_view IS 'An event of the feed, as answered.';

CREATE VIEW feed_tail_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, position, circuit_id, customer_id,
       vnet_customer_id, partner
FROM feed;
COMMENT ON VIEW feed_tail_view IS 'Where an event stands in the feed, and who hears it.';
COMMENT ON COLUMN feed_event_view.outcome IS '''ok'', or the code of a refusal.';
COMMENT ON COLUMN feed_event_view.facts IS 'Members of the problem answer to a refusal.';
COMMENT ON COLUMN feed_tail_view.outcome IS '''ok'', or the code of a refusal.';
COMMENT ON COLUMN feed_tail_view.facts IS 'Members of the problem answer to a refusal.';
