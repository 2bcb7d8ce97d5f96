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

\ir functions/feed_continued.sql
CREATE TRIGGER the_feed_goes_on_where_it_ends AFTER INSERT ON feed
    REFERENCING NEW TABLE AS published
    FOR EACH STATEMENT EXECUTE FUNCTION feed_continued();

\ir functions/announcement_published.sql
CREATE TRIGGER an_announcement_ends_in_the_feed AFTER DELETE ON events_unpublished
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION announcement_published();

\ir functions/feed_forgotten.sql
CREATE TRIGGER the_feed_is_forgotten_from_its_old_end AFTER DELETE ON feed
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION feed_forgotten();
