-- SPDX-License-Identifier: Apache-2.0
-- What is remembered of requests that carried an Idempotency-Key: their answers, for 24 hours.

CREATE TABLE idempotency_keys (
    scope text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    digest digest NOT NULL,
    -- The row that the operation answered, not the bytes: a replay is written like any other
    -- answer, and a secret that is shown once was never in the row.
    answer jsonb NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- No foreign keys: rows live for a day and are written in the hot path.
    CONSTRAINT an_idempotency_key_is_used_once PRIMARY KEY (scope, key)
);
-- For forgetting the oldest.
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (answered_at);
COMMENT ON TABLE idempotency_keys IS
    'Answers to requests that carried an Idempotency-Key, written in the transaction of their '
    'effect. Kept 24 hours.';
COMMENT ON COLUMN idempotency_keys.scope IS
    'Whose key it is: customer:<id>, partner:<slug> or operator.';
COMMENT ON COLUMN idempotency_keys.key IS 'The header Idempotency-Key.';
COMMENT ON COLUMN idempotency_keys.digest IS 'SHA-256 of the path and the body that came with it.';
COMMENT ON COLUMN idempotency_keys.answer IS 'The row that was answered.';
COMMENT ON COLUMN idempotency_keys.answered_at IS 'When it was answered.';
