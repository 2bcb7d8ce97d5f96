-- SPDX-License-Identifier: Apache-2.0
-- Secrets at rest. They are sealed by the daemon with keys that the database never sees: a dump of
-- it opens nothing. What the database knows is which key sealed what, so that a key in use is
-- missed when a server starts, and no key is dropped while a secret needs it.

CREATE TABLE seal_keys (
    id text COLLATE "C" PRIMARY KEY
        CONSTRAINT a_seal_keys_id_is_a_short_word CHECK (id ~ '^[A-Za-z0-9_-]{1,32}$'),
    proof text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE seal_keys IS
    'Keys that secrets may be sealed with, by their ids; the keys themselves are in the file '
    'secrets.key of the servers.';
COMMENT ON COLUMN seal_keys.id IS 'The id, as it stands in the file and in sealed secrets.';
COMMENT ON COLUMN seal_keys.proof IS
    'Its own id, sealed with the key: tells it from another key of the same id.';
COMMENT ON COLUMN seal_keys.created_at IS 'When it was first used here.';

\ir functions/sealed_with.sql

CREATE TABLE callback_secrets (
    id uuid DEFAULT uuid_v7() PRIMARY KEY,
    partner text COLLATE "C" NOT NULL CONSTRAINT a_secret_is_a_partners REFERENCES partners,
    secret text NOT NULL
        CONSTRAINT a_callback_secret_is_sealed CHECK (sealed_with(secret) IS NOT NULL),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    key_id text COLLATE "C" GENERATED ALWAYS AS (sealed_with(secret)) STORED
        CONSTRAINT a_callback_secret_is_sealed_with_a_known_key REFERENCES seal_keys
);
-- For the live secrets of a partner, newest first. A handful of rows a partner.
CREATE INDEX callback_secrets_by_partner ON callback_secrets (partner, id);
-- Rotation is "the others die, this one lives"; two at once must not leave two that live for ever.
CREATE UNIQUE INDEX a_partner_has_one_secret_without_end ON callback_secrets (partner)
    WHERE expires_at IS NULL;
COMMENT ON TABLE callback_secrets IS
    'Secrets that partners sign callbacks with; several live during a rotation.';
COMMENT ON COLUMN callback_secrets.id IS 'UUID v7; names the secret without showing it.';
COMMENT ON COLUMN callback_secrets.partner IS 'Whose secret it is.';
COMMENT ON COLUMN callback_secrets.secret IS
    'The secret, sealed by the daemon for callback:<partner>. It signs, so a digest would not do.';
COMMENT ON COLUMN callback_secrets.created_at IS 'When it was issued.';
COMMENT ON COLUMN callback_secrets.expires_at IS
    'When it dies; null is the newest one, which lives until a rotation.';
COMMENT ON COLUMN callback_secrets.key_id IS 'The key that it is sealed with.';
CREATE TRIGGER a_callback_secret_keeps_its_partner BEFORE UPDATE ON callback_secrets
    FOR EACH ROW EXECUTE FUNCTION keep('a secret stays with the partner that it was issued to',
        'id', 'partner', 'created_at');
