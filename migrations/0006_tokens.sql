-- SPDX-License-Identifier: Apache-2.0
-- Bearer tokens. Only a digest is kept: a token has 190 random bits, so a plain SHA-256 is enough.

CREATE TABLE tokens (
    id uuid DEFAULT uuid_v7() PRIMARY KEY,
    key_id text COLLATE "C" NOT NULL CONSTRAINT a_tokens_key_is_its_own UNIQUE,
    sha256 digest NOT NULL,
    role text NOT NULL
        CONSTRAINT a_token_has_a_known_role CHECK (role IN ('customer', 'partner', 'operator')),
    customer_id uuid CONSTRAINT a_token_is_a_customers REFERENCES customers,
    partner text COLLATE "C" CONSTRAINT a_token_is_a_partners REFERENCES partners,
    description text NOT NULL DEFAULT ''
        CONSTRAINT a_tokens_description_has_200_characters_at_most
            CHECK (char_length(description) <= 200),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    -- Kept, not deleted: what a revoked token did must stay attributable.
    revoked_at timestamptz,
    CONSTRAINT a_token_is_bound_as_its_role_says
        CHECK ((role = 'customer') = (customer_id IS NOT NULL)
               AND (role = 'partner') = (partner IS NOT NULL))
);
-- For lists: of a customer's and of a partner's own tokens, and of all. Those that were revoked are
-- in none. NULLS FIRST for the reason that the indexes of circuits have it.
CREATE INDEX tokens_of_customer ON tokens (customer_id, id)
    WHERE customer_id IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX tokens_of_partner ON tokens (partner, id)
    WHERE partner IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX tokens_live ON tokens (id NULLS FIRST) WHERE revoked_at IS NULL;
COMMENT ON TABLE tokens IS 'Bearer tokens of the API, by digest.';
COMMENT ON COLUMN tokens.id IS 'UUID v7.';
COMMENT ON COLUMN tokens.key_id IS 'The public part of the token, by which it is looked up.';
COMMENT ON COLUMN tokens.sha256 IS 'SHA-256 of the whole token.';
COMMENT ON COLUMN tokens.role IS 'customer, partner or operator.';
COMMENT ON COLUMN tokens.customer_id IS 'The customer it is bound to.';
COMMENT ON COLUMN tokens.partner IS 'The partner it is bound to.';
COMMENT ON COLUMN tokens.description IS 'What it is for, in the creator''s words.';
COMMENT ON COLUMN tokens.created_at IS 'When it was created.';
COMMENT ON COLUMN tokens.expires_at IS 'When it ends; null: never by itself.';
COMMENT ON COLUMN tokens.revoked_at IS
    'When it was deleted through the API; such a token is no longer shown.';

\ir functions/token_guarded.sql
CREATE TRIGGER a_token_is_guarded_by_row BEFORE UPDATE ON tokens
    FOR EACH ROW EXECUTE FUNCTION token_guarded();
