-- SPDX-License-Identifier: Apache-2.0
-- What is remembered of callbacks: those that were answered 200, and those that were refused.

CREATE TABLE remembered_callbacks (
    -- No foreign keys here: rows live for days and are written in the hot path; partner and circuit
    -- can't disappear under them.
    partner text COLLATE "C" NOT NULL,
    by_operator boolean NOT NULL,
    webhook_id webhook_id NOT NULL,
    body_sha256 digest NOT NULL,
    circuit_id uuid NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT a_webhook_id_is_used_once PRIMARY KEY (partner, webhook_id, by_operator)
);
-- For forgetting the oldest.
CREATE INDEX remembered_callbacks_by_age ON remembered_callbacks (answered_at);
COMMENT ON TABLE remembered_callbacks IS
    'Callbacks that were answered 200, so that the same one again is a duplicate. Kept 8 days at '
    'least.';
COMMENT ON COLUMN remembered_callbacks.partner IS 'Whose circuit it was about.';
COMMENT ON COLUMN remembered_callbacks.by_operator IS
    'Whether an operator acted for the partner: its ids are apart from the partner''s.';
COMMENT ON COLUMN remembered_callbacks.webhook_id IS 'The header webhook-id.';
COMMENT ON COLUMN remembered_callbacks.body_sha256 IS 'SHA-256 of the body''s octets.';
COMMENT ON COLUMN remembered_callbacks.circuit_id IS 'The circuit it was about.';
COMMENT ON COLUMN remembered_callbacks.answered_at IS 'When it was answered.';
CREATE TRIGGER what_is_remembered_of_a_callback_never_changes
    BEFORE UPDATE OR TRUNCATE ON remembered_callbacks
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('what is remembered of a callback never changes');
\ir functions/callback_forgotten.sql
CREATE TRIGGER a_callback_is_remembered_for_8_days BEFORE DELETE ON remembered_callbacks
    FOR EACH ROW EXECUTE FUNCTION callback_forgotten();

CREATE TABLE refused_callbacks (
    id uuid DEFAULT uuid_v7() PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    circuit_id uuid NOT NULL CONSTRAINT a_refusal_is_about_a_circuit REFERENCES circuits,
    partner text COLLATE "C" NOT NULL,
    actor_role actor NOT NULL,
    actor_name text NOT NULL,
    webhook_id webhook_id NOT NULL,
    type text NOT NULL,
    provider_status text NOT NULL,
    code text NOT NULL
);
COMMENT ON TABLE refused_callbacks IS
    'Authentic callbacks about a circuit that were refused. Rows are never changed or deleted.';
COMMENT ON COLUMN refused_callbacks.id IS 'UUID v7.';
COMMENT ON COLUMN refused_callbacks.at IS 'When it was refused.';
COMMENT ON COLUMN refused_callbacks.circuit_id IS 'The circuit it was about.';
COMMENT ON COLUMN refused_callbacks.partner IS 'The partner of the circuit.';
COMMENT ON COLUMN refused_callbacks.actor_role IS 'partner, or operator in its place.';
COMMENT ON COLUMN refused_callbacks.actor_name IS 'Who sent it.';
COMMENT ON COLUMN refused_callbacks.webhook_id IS 'The header webhook-id.';
COMMENT ON COLUMN refused_callbacks.type IS 'The event that was announced.';
COMMENT ON COLUMN refused_callbacks.provider_status IS 'The status that the circuit stood at.';
COMMENT ON COLUMN refused_callbacks.code IS 'The code of the refusal.';
CREATE TRIGGER a_refusal_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON refused_callbacks
    FOR EACH STATEMENT
        EXECUTE FUNCTION refuse('the record of a refusal is never changed or deleted');
