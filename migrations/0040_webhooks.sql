-- SPDX-License-Identifier: Apache-2.0
-- Outbound webhooks: endpoints, what is to be delivered to them, and what came of it.
--
-- An event is delivered to each endpoint that may hear it. What is still to be sent stands in
-- delivery_queue, one row each; the deliveries of one circuit to one endpoint are a queue of their
-- own, and only the first of a queue, its head, is ever sent. So order holds per circuit, and a
-- failing delivery holds up its own circuit and nothing else.
--
-- Whose turn it is stands in delivery_turns, one row an endpoint. That row is also the endpoint's
-- lock: whoever writes its queue, its leases or its switch holds it, so that the one who adds to a
-- queue and the one who takes its last entry away never miss each other. Who needs several locks
-- takes them in order of endpoint_id; who claims takes only those that are free. What a claim costs
-- follows from what it takes: an endpoint that waits, is switched off or has four deliveries on
-- their way is not looked at, whatever its backlog.

CREATE DOMAIN webhook_url AS text
    CONSTRAINT a_url_has_1_to_2048_characters CHECK (char_length(VALUE) BETWEEN 1 AND 2048);
COMMENT ON DOMAIN webhook_url IS 'Where an endpoint is; it may hold a password of its owner''s.';
CREATE DOMAIN event_filter AS text[]
    CONSTRAINT a_filter_has_1_to_50_patterns
    CHECK (array_ndims(VALUE) = 1 AND cardinality(VALUE) BETWEEN 1 AND 50);
COMMENT ON DOMAIN event_filter IS
    'Types of events: each by its name, or all that begin alike (circuit.*), or * for all.';
CREATE DOMAIN delivery_status AS text COLLATE "C"
    CONSTRAINT a_delivery_has_a_known_status
    CHECK (VALUE IN ('pending', 'delivered', 'exhausted'));
COMMENT ON DOMAIN delivery_status IS 'What has become of a delivery.';

CREATE FUNCTION event_matches(p_filter text[], p_type text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_filter && ARRAY['*', split_part(p_type, '.', 1) || '.*', p_type];
COMMENT ON FUNCTION event_matches(text[], text) IS 'Whether a filter lets events of a type through.';

CREATE TABLE webhook_endpoints (
    id uuid DEFAULT uuid_v7() PRIMARY KEY,
    role text COLLATE "C" NOT NULL
        CONSTRAINT an_endpoint_has_a_known_role
        CHECK (role IN ('customer', 'partner', 'operator')),
    customer_id uuid CONSTRAINT an_endpoint_is_a_customers REFERENCES customers,
    partner text COLLATE "C" CONSTRAINT an_endpoint_is_a_partners REFERENCES partners,
    -- One text to find and count by, for all roles. Operators are one owner.
    owner text COLLATE "C" NOT NULL
        GENERATED ALWAYS AS (role || ':' || coalesce(customer_id::text, partner, '')) STORED,
    -- The limit, as a place that only one can take; null once deleted.
    place smallint
        CONSTRAINT an_owner_has_10_endpoints_at_most CHECK (place BETWEEN 1 AND 10),
    url webhook_url NOT NULL,
    event_types event_filter NOT NULL,
    description text NOT NULL DEFAULT ''
        CONSTRAINT an_endpoints_description_has_200_characters_at_most
            CHECK (char_length(description) <= 200),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    disabled_at timestamptz,
    disabled_reason text,
    deleted_at timestamptz,
    CONSTRAINT an_endpoint_is_bound_as_its_role_says
        CHECK ((role = 'customer') = (customer_id IS NOT NULL)
               AND (role = 'partner') = (partner IS NOT NULL)),
    CONSTRAINT a_disabled_endpoint_says_why
        CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL)),
    CONSTRAINT a_place_is_held_until_the_endpoint_is_deleted
        CHECK ((place IS NULL) = (deleted_at IS NOT NULL)),
    CONSTRAINT endpoints_of_an_owner_have_places_of_their_own UNIQUE (owner, place)
);
CREATE INDEX webhook_endpoints_of_owner ON webhook_endpoints (owner, id) WHERE deleted_at IS NULL;
-- For those whose deliveries have to go.
CREATE INDEX webhook_endpoints_deleted ON webhook_endpoints (deleted_at)
    WHERE deleted_at IS NOT NULL;
COMMENT ON TABLE webhook_endpoints IS 'Where owners want to hear of events.';
COMMENT ON COLUMN webhook_endpoints.id IS 'UUID v7.';
COMMENT ON COLUMN webhook_endpoints.role IS 'customer, partner or operator: decides what it hears.';
COMMENT ON COLUMN webhook_endpoints.customer_id IS 'The customer whose endpoint it is.';
COMMENT ON COLUMN webhook_endpoints.partner IS 'The partner whose endpoint it is.';
COMMENT ON COLUMN webhook_endpoints.owner IS
    'Role and whose: customer:<id>, partner:<slug> or operator:; what its secrets are sealed for.';
COMMENT ON COLUMN webhook_endpoints.place IS 'Which of the owner''s places it holds.';
COMMENT ON COLUMN webhook_endpoints.url IS 'Where it is. Never logged in full.';
COMMENT ON COLUMN webhook_endpoints.event_types IS 'What it wants to hear.';
COMMENT ON COLUMN webhook_endpoints.description IS 'What it is for, in the owner''s words.';
COMMENT ON COLUMN webhook_endpoints.created_at IS
    'When it was registered; earlier events are not delivered to it.';
COMMENT ON COLUMN webhook_endpoints.disabled_at IS 'When it was switched off; null: it is on.';
COMMENT ON COLUMN webhook_endpoints.disabled_reason IS 'Why it was switched off, in words.';
COMMENT ON COLUMN webhook_endpoints.deleted_at IS
    'When it was deleted; the row goes once its deliveries have gone.';
CREATE TRIGGER an_endpoint_keeps_its_owner
    BEFORE UPDATE OF id, role, customer_id, partner, created_at ON webhook_endpoints
    FOR EACH STATEMENT
        EXECUTE FUNCTION refuse('the identity and owner of an endpoint never change');

CREATE TABLE webhook_secrets (
    id uuid DEFAULT uuid_v7() PRIMARY KEY,
    endpoint_id uuid NOT NULL
        CONSTRAINT a_webhook_secret_is_an_endpoints REFERENCES webhook_endpoints,
    secret text NOT NULL CONSTRAINT a_webhook_secret_is_not_empty CHECK (secret <> ''),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz
);
-- For the live secrets of an endpoint, newest first.
CREATE INDEX webhook_secrets_of_endpoint ON webhook_secrets (endpoint_id, id);
-- Rotation is "the others die, this one lives"; two at once must not leave two that live for ever.
CREATE UNIQUE INDEX an_endpoint_has_one_secret_without_end ON webhook_secrets (endpoint_id)
    WHERE expires_at IS NULL;
COMMENT ON TABLE webhook_secrets IS
    'Secrets that deliveries are signed with; several sign during a rotation.';
COMMENT ON COLUMN webhook_secrets.id IS 'UUID v7.';
COMMENT ON COLUMN webhook_secrets.endpoint_id IS 'Whose secret it is.';
COMMENT ON COLUMN webhook_secrets.secret IS
    'The secret as the daemon gave it, sealed for the owner of the endpoint.';
COMMENT ON COLUMN webhook_secrets.created_at IS 'When it was issued.';
COMMENT ON COLUMN webhook_secrets.expires_at IS
    'When it stops signing; null is the newest one, which signs until a rotation.';

-- One for all: a fence is higher than any that its delivery has had, also in an earlier stay in a
-- queue.
CREATE SEQUENCE delivery_fences;
COMMENT ON SEQUENCE delivery_fences IS 'Numbers of claims.';

CREATE TABLE deliveries (
    -- Made of endpoint and event (delivery_id), so that an event has one delivery an endpoint.
    id uuid PRIMARY KEY,
    -- No foreign keys: rows are written in masses, and an endpoint goes after its deliveries.
    endpoint_id uuid NOT NULL,
    queue uuid NOT NULL,
    place bigint NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    circuit_id uuid,
    event_type text COLLATE "C" NOT NULL,
    status delivery_status NOT NULL DEFAULT 'pending',
    traceparent text COLLATE "C",
    -- The octets, not jsonb: every attempt sends, and signs, the same ones.
    body text NOT NULL
);
-- Lists, of one status or merged from all three; what is exhausted, for recovery.
CREATE INDEX deliveries_of_endpoint ON deliveries (endpoint_id, status, id);
COMMENT ON TABLE deliveries IS 'What was or is to be sent to an endpoint. Kept 30 days.';
COMMENT ON COLUMN deliveries.id IS
    'UUID v7; the webhook-id of every attempt. Begins with the time of publication.';
COMMENT ON COLUMN deliveries.endpoint_id IS 'Where to.';
COMMENT ON COLUMN deliveries.queue IS
    'Its queue: the circuit, or the delivery itself when it is about none.';
COMMENT ON COLUMN deliveries.place IS 'Its place in the queue: the position in the feed.';
COMMENT ON COLUMN deliveries.created_at IS 'When the event was published.';
COMMENT ON COLUMN deliveries.finished_at IS
    'When it was delivered or given up; null while it is pending.';
COMMENT ON COLUMN deliveries.circuit_id IS
    'The circuit, as far as the owner of the endpoint may know it.';
COMMENT ON COLUMN deliveries.event_type IS 'What happened.';
COMMENT ON COLUMN deliveries.status IS
    'pending: to be sent. delivered: a 2xx was received. exhausted: given up.';
COMMENT ON COLUMN deliveries.traceparent IS 'The trace of the request that caused it, if any.';
COMMENT ON COLUMN deliveries.body IS 'The body of every attempt.';
CREATE TRIGGER a_delivery_keeps_what_it_says
    BEFORE UPDATE OF id, endpoint_id, queue, place, created_at, circuit_id, event_type, traceparent,
        body ON deliveries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('what a delivery says, and to whom, never changes');

CREATE TABLE delivery_attempts (
    -- No foreign key: written in masses, by delivery_record alone, and deleted with the delivery.
    delivery_id uuid NOT NULL,
    number integer NOT NULL,
    at timestamptz NOT NULL,
    status integer,
    latency_ms integer NOT NULL,
    error text,
    response text
        CONSTRAINT a_response_is_kept_up_to_4096_octets CHECK (octet_length(response) <= 4096),
    CONSTRAINT attempts_of_a_delivery_are_counted PRIMARY KEY (delivery_id, number)
);
CREATE FUNCTION delivery_attempts_most() RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 50;
COMMENT ON FUNCTION delivery_attempts_most() IS
    'How many attempts at a delivery there are before nobody may ask for another one.';
COMMENT ON TABLE delivery_attempts IS
    'Every attempt at a delivery and what came of it. Rows are never changed.';
COMMENT ON COLUMN delivery_attempts.delivery_id IS 'The delivery.';
COMMENT ON COLUMN delivery_attempts.number IS 'Counts 1, 2, 3 ... per delivery.';
COMMENT ON COLUMN delivery_attempts.at IS 'When it began, by the clock of the one who sent.';
COMMENT ON COLUMN delivery_attempts.status IS 'Status of the answer; null: there was none.';
COMMENT ON COLUMN delivery_attempts.latency_ms IS 'How long it took, in milliseconds.';
COMMENT ON COLUMN delivery_attempts.error IS 'Why it failed, in words; null: it did not.';
COMMENT ON COLUMN delivery_attempts.response IS 'The first 4 KiB of the answer''s body.';
CREATE TRIGGER an_attempt_is_never_changed BEFORE UPDATE OR TRUNCATE ON delivery_attempts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('an attempt is never changed');

-- Narrow, apart from deliveries: leasing and retrying write here and leave the body alone.
CREATE TABLE delivery_queue (
    endpoint_id uuid NOT NULL,
    queue uuid NOT NULL,
    place bigint NOT NULL,
    delivery_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    fence bigint NOT NULL DEFAULT 0,
    attempts smallint NOT NULL DEFAULT 0,
    head boolean NOT NULL,
    leased boolean NOT NULL DEFAULT false,
    CONSTRAINT a_place_in_a_queue_is_taken_once PRIMARY KEY (endpoint_id, queue, place),
    CONSTRAINT only_the_head_of_a_queue_is_leased CHECK (head OR NOT leased)
);
CREATE UNIQUE INDEX a_queue_has_one_head ON delivery_queue (endpoint_id, queue) WHERE head;
-- The two ends that a claim looks at: what is due next, and which lease ends next.
CREATE INDEX delivery_queue_due ON delivery_queue (endpoint_id, leased, due_at, place) WHERE head;
COMMENT ON TABLE delivery_queue IS
    'What is still to be delivered, in queues. Written by whoever holds the endpoint''s turn.';
COMMENT ON COLUMN delivery_queue.endpoint_id IS 'Where to.';
COMMENT ON COLUMN delivery_queue.queue IS 'Whose order counts: deliveries.queue.';
COMMENT ON COLUMN delivery_queue.place IS 'The order within the queue.';
COMMENT ON COLUMN delivery_queue.delivery_id IS 'The delivery.';
COMMENT ON COLUMN delivery_queue.created_at IS 'When it was put here; its attempts began then.';
COMMENT ON COLUMN delivery_queue.due_at IS
    'Of a head: when it is to be sent or, while it is leased, when the lease ends.';
COMMENT ON COLUMN delivery_queue.fence IS
    'Number of the last claim: only who made it may say what came of it.';
COMMENT ON COLUMN delivery_queue.attempts IS 'Attempts since it was put here.';
COMMENT ON COLUMN delivery_queue.head IS 'Whether it is the one of its queue that is sent.';
COMMENT ON COLUMN delivery_queue.leased IS 'Whether somebody has claimed it.';

CREATE TABLE delivery_turns (
    endpoint_id uuid CONSTRAINT an_endpoint_has_one_turn PRIMARY KEY
        CONSTRAINT a_turn_is_an_endpoints REFERENCES webhook_endpoints,
    due_at timestamptz NOT NULL DEFAULT 'infinity',
    next_due timestamptz NOT NULL DEFAULT 'infinity',
    lease_ends timestamptz NOT NULL DEFAULT 'infinity',
    failing_since timestamptz,
    in_flight smallint NOT NULL DEFAULT 0
        CONSTRAINT an_endpoint_is_sent_4_deliveries_at_a_time CHECK (in_flight BETWEEN 0 AND 4),
    open boolean NOT NULL DEFAULT true
)
-- Two writes a delivery, and few rows: room for many versions of each on its page.
WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE INDEX delivery_turns_due ON delivery_turns (due_at);
COMMENT ON TABLE delivery_turns IS
    'When each endpoint has its next turn; the row is also its lock for deliveries.';
COMMENT ON COLUMN delivery_turns.endpoint_id IS 'The endpoint.';
COMMENT ON COLUMN delivery_turns.due_at IS
    'When there is something to claim. Not before it was last served: endpoints take turns.';
COMMENT ON COLUMN delivery_turns.next_due IS
    'No head that is not leased is due earlier: where to begin to look, past what has gone.';
COMMENT ON COLUMN delivery_turns.lease_ends IS 'No lease ends earlier, likewise.';
COMMENT ON COLUMN delivery_turns.failing_since IS
    'Since when nothing but failures was recorded; null: the last one was none.';
COMMENT ON COLUMN delivery_turns.in_flight IS 'Heads that are leased.';
COMMENT ON COLUMN delivery_turns.open IS 'Whether anything is sent: neither disabled nor deleted.';

-- RFC 9562 UUID version 7 with a time that is given and bits that are made of endpoint and position:
-- the same event has the same delivery, whoever makes it and when. The 12 bits behind the time are
-- the position's last, so that ids of one millisecond stand in its order.
CREATE FUNCTION delivery_id(p_endpoint uuid, p_position bigint, p_published_at timestamptz)
RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (lpad(to_hex(floor(extract(epoch FROM p_published_at) * 1000)::bigint), 12, '0')
        || '7' || lpad(to_hex(p_position & 4095), 3, '0')
        || overlay(left(md5(p_endpoint::text || ' ' || p_position), 16)
                   PLACING to_hex(8 + (p_position >> 12 & 3)) FROM 1 FOR 1))::uuid;
COMMENT ON FUNCTION delivery_id(uuid, bigint, timestamptz) IS
    'The id of the delivery of a published event to an endpoint.';

-- Ids of a time and later are not below this one.
CREATE FUNCTION uuid_v7_least(p_at timestamptz) RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (lpad(to_hex(floor(extract(epoch FROM p_at) * 1000)::bigint), 12, '0')
        || '70008000000000000000')::uuid;
COMMENT ON FUNCTION uuid_v7_least(timestamptz) IS 'The least UUID version 7 of a time.';

CREATE VIEW webhook_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, id, url::text AS url,
       to_jsonb(event_types) AS event_types, description, disabled_at IS NULL AS enabled,
       disabled_at, disabled_reason, created_at
FROM webhook_endpoints;
COMMENT ON VIEW webhook_view IS 'A webhook endpoint, as answered.';
COMMENT ON COLUMN webhook_view.outcome IS '''ok'', or the code of a refusal.';
COMMENT ON COLUMN webhook_view.facts IS 'Members of the problem answer to a refusal.';

CREATE VIEW delivery_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, d.id, d.event_type, d.circuit_id,
       d.status::text AS status,
       coalesce((SELECT jsonb_agg(jsonb_build_object('at', time_shown(a.at), 'status', a.status,
                                      'latencyMs', a.latency_ms, 'error', a.error,
                                      'response', a.response) ORDER BY a.number)
                 FROM delivery_attempts a WHERE a.delivery_id = d.id), '[]') AS attempts,
       CASE WHEN d.status = 'pending'
            THEN (SELECT q.due_at
                  FROM delivery_queue q JOIN delivery_turns t ON t.endpoint_id = q.endpoint_id
                  WHERE q.endpoint_id = d.endpoint_id AND q.queue = d.queue AND q.place = d.place
                        AND q.head AND NOT q.leased AND t.open)
       END AS next_attempt_at,
       d.created_at
FROM deliveries d;
COMMENT ON VIEW delivery_view IS 'A delivery with its attempts, as answered.';
COMMENT ON COLUMN delivery_view.outcome IS '''ok'', or the code of a refusal.';
COMMENT ON COLUMN delivery_view.facts IS 'Members of the problem answer to a refusal.';

CREATE TYPE recovery AS (outcome text, facts jsonb, recovered integer, resume_since timestamptz);
COMMENT ON TYPE recovery IS 'How much is delivered again, as answered.';
COMMENT ON COLUMN recovery.outcome IS '''ok'', or the code of a refusal.';
COMMENT ON COLUMN recovery.facts IS 'Members of the problem answer to a refusal.';
COMMENT ON COLUMN recovery.recovered IS 'How many deliveries are pending now that were not.';
COMMENT ON COLUMN recovery.resume_since IS 'Where to go on when that was not all; null: it was.';

CREATE TYPE delivery_claim_view AS (
    outcome text, facts jsonb, id uuid, fence bigint, endpoint_id uuid, url text, secrets jsonb,
    event_type text, body text, attempts integer, first_at timestamptz, traceparent text,
    due_in_ms bigint, owner text);
COMMENT ON TYPE delivery_claim_view IS
    'A delivery that was claimed, or, without an id, when the next one is due.';
COMMENT ON COLUMN delivery_claim_view.outcome IS '''ok''.';
COMMENT ON COLUMN delivery_claim_view.facts IS 'Null.';
COMMENT ON COLUMN delivery_claim_view.id IS 'The delivery; null: nothing is due.';
COMMENT ON COLUMN delivery_claim_view.fence IS 'To be given back when the attempt is recorded.';
COMMENT ON COLUMN delivery_claim_view.endpoint_id IS 'The endpoint.';
COMMENT ON COLUMN delivery_claim_view.url IS 'Where to.';
COMMENT ON COLUMN delivery_claim_view.secrets IS 'Live secrets, sealed, the newest first.';
COMMENT ON COLUMN delivery_claim_view.event_type IS 'What happened.';
COMMENT ON COLUMN delivery_claim_view.body IS 'What to send.';
COMMENT ON COLUMN delivery_claim_view.attempts IS 'Attempts made before this one.';
COMMENT ON COLUMN delivery_claim_view.first_at IS
    'Since when it is to be delivered: since the event or, if it was asked for again, since then.';
COMMENT ON COLUMN delivery_claim_view.traceparent IS 'The trace that it belongs to.';
COMMENT ON COLUMN delivery_claim_view.due_in_ms IS
    'Without an id: in how many milliseconds something is due; null: nothing is.';
COMMENT ON COLUMN delivery_claim_view.owner IS
    'What the secrets are sealed for, as webhook_endpoints.owner.';
