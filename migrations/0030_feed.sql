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
