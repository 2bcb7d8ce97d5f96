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

CREATE FUNCTION sealed_with(p_secret text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN substring(p_secret FROM '^v1\.([A-Za-z0-9_-]{1,32})\.[A-Za-z0-9_-]{38,}$');
COMMENT ON FUNCTION sealed_with(text) IS 'The id of the key that sealed it; null: it is not sealed.';

ALTER TABLE callback_secrets
    DROP CONSTRAINT a_secret_is_not_empty,
    ADD COLUMN key_id text COLLATE "C" GENERATED ALWAYS AS (sealed_with(secret)) STORED
        CONSTRAINT a_callback_secret_is_sealed_with_a_known_key REFERENCES seal_keys,
    -- A database of before holds secrets that are not sealed, and no key to seal them with is here:
    -- the server does it when it starts, and has this checked then (secret_seal_validate).
    ADD CONSTRAINT a_callback_secret_is_sealed CHECK (sealed_with(secret) IS NOT NULL) NOT VALID;
COMMENT ON COLUMN callback_secrets.secret IS
    'The secret, sealed by the daemon for callback:<partner>. It signs, so a digest would not do.';
COMMENT ON COLUMN callback_secrets.key_id IS 'The key that it is sealed with.';

ALTER TABLE webhook_secrets
    DROP CONSTRAINT a_webhook_secret_is_not_empty,
    ADD COLUMN key_id text COLLATE "C" GENERATED ALWAYS AS (sealed_with(secret)) STORED
        CONSTRAINT a_webhook_secret_is_sealed_with_a_known_key REFERENCES seal_keys,
    ADD CONSTRAINT a_webhook_secret_is_sealed CHECK (sealed_with(secret) IS NOT NULL);
COMMENT ON COLUMN webhook_secrets.secret IS
    'The secret, sealed by the daemon for webhook:<owner of the endpoint>.';
COMMENT ON COLUMN webhook_secrets.key_id IS 'The key that it is sealed with.';

CREATE VIEW seal_key_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, id, proof,
       EXISTS (SELECT FROM callback_secrets s WHERE s.key_id = k.id)
           OR EXISTS (SELECT FROM webhook_secrets s WHERE s.key_id = k.id) AS used
FROM seal_keys k;
COMMENT ON VIEW seal_key_view IS 'A key by its id, and whether any secret is sealed with it.';

CREATE VIEW sealed_secret_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, id, 'callback:' || partner AS context, secret
FROM callback_secrets
UNION ALL
SELECT 'ok', NULL, s.id, 'webhook:' || w.owner, s.secret
FROM webhook_secrets s JOIN webhook_endpoints w ON w.id = s.endpoint_id;
COMMENT ON VIEW sealed_secret_view IS 'A secret, and for whom it is sealed.';
