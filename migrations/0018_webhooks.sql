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
\ir functions/webhook_endpoint_guarded.sql
CREATE TRIGGER an_endpoint_is_guarded_by_row BEFORE UPDATE ON webhook_endpoints
    FOR EACH ROW EXECUTE FUNCTION webhook_endpoint_guarded();

CREATE TABLE webhook_secrets (
    id uuid DEFAULT uuid_v7() PRIMARY KEY,
    endpoint_id uuid NOT NULL
        CONSTRAINT a_webhook_secret_is_an_endpoints REFERENCES webhook_endpoints,
    secret text NOT NULL
        CONSTRAINT a_webhook_secret_is_sealed CHECK (sealed_with(secret) IS NOT NULL),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    key_id text COLLATE "C" GENERATED ALWAYS AS (sealed_with(secret)) STORED
        CONSTRAINT a_webhook_secret_is_sealed_with_a_known_key REFERENCES seal_keys
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
    'The secret, sealed by the daemon for webhook:<owner of the endpoint>.';
COMMENT ON COLUMN webhook_secrets.created_at IS 'When it was issued.';
COMMENT ON COLUMN webhook_secrets.expires_at IS
    'When it stops signing; null is the newest one, which signs until a rotation.';
COMMENT ON COLUMN webhook_secrets.key_id IS 'The key that it is sealed with.';
CREATE TRIGGER a_webhook_secret_keeps_its_endpoint BEFORE UPDATE ON webhook_secrets
    FOR EACH ROW EXECUTE FUNCTION keep('a secret stays with the endpoint that it was issued to',
        'id', 'endpoint_id', 'created_at');

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
\ir functions/delivery_guarded.sql
CREATE TRIGGER a_delivery_is_guarded_by_row BEFORE UPDATE ON deliveries
    FOR EACH ROW EXECUTE FUNCTION delivery_guarded();

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
