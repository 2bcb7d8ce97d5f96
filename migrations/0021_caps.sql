-- SPDX-License-Identifier: Apache-2.0
-- Caps: how much of a kind one owner may have, so that nobody makes the work of all others longer.
-- They are counters with CHECKs, as quotas are, one mechanism for every kind: the rows of a table
-- are counted for whom cap_owner() says.
--
-- What there is already stays. An owner that has more than the cap, because it had it before there
-- was one or because the cap was lowered, keeps it: excess is what is beyond the cap. It never
-- rises with used, so such an owner gets nothing more until it is below the cap again.

CREATE TABLE caps (
    kind text COLLATE "C" PRIMARY KEY,
    -- 1 at least: a partner without a callback secret, or a tenant without a token, is locked out.
    most integer NOT NULL CONSTRAINT a_cap_is_1_or_more CHECK (most >= 1),
    -- What the copies in cap_counters refer to.
    CONSTRAINT a_cap_can_be_referred_to UNIQUE (kind, most)
);
COMMENT ON TABLE caps IS 'The most that one owner may have, by kind. Operators change it.';
COMMENT ON COLUMN caps.kind IS 'The table whose rows are counted.';
COMMENT ON COLUMN caps.most IS 'The most that one owner may have.';

INSERT INTO caps (kind, most) VALUES
    ('authorizations', 20),   -- of a circuit
    ('callback_secrets', 5),  -- of a partner
    ('tokens', 100),          -- of a customer, of a partner, of the operators together
    ('vnets', 1000),          -- of a customer
    ('webhook_endpoints', 20); -- of a customer, of a partner, of the operators together

CREATE TRIGGER a_cap_stays_with_its_kind BEFORE UPDATE ON caps
    FOR EACH ROW EXECUTE FUNCTION keep('a cap stays with its kind', 'kind');
CREATE TRIGGER caps_are_never_deleted BEFORE DELETE OR TRUNCATE ON caps
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('a cap is raised, not deleted');

CREATE TABLE cap_counters (
    kind text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    used integer NOT NULL,
    most integer NOT NULL,
    excess integer NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, owner),
    -- The cap.
    CONSTRAINT an_owner_has_at_most_the_cap CHECK (used BETWEEN 0 AND most + excess),
    -- A copy, because a CHECK sees one row; this keeps it the kind's, and lets a change there
    -- arrive here.
    CONSTRAINT a_counter_has_the_cap_of_its_kind
        FOREIGN KEY (kind, most) REFERENCES caps (kind, most) ON UPDATE CASCADE
) WITH (fillfactor = 70);
COMMENT ON TABLE cap_counters IS
    'What is used of caps. A counter begins with the first row that it counts, and stays.';
COMMENT ON COLUMN cap_counters.kind IS 'The table whose rows are counted.';
COMMENT ON COLUMN cap_counters.owner IS
    'Whose they are: customer:<id>, partner:<slug>, operator: or circuit:<id>.';
COMMENT ON COLUMN cap_counters.used IS 'How many there are. Kept by a trigger.';
COMMENT ON COLUMN cap_counters.most IS 'The most: caps.most.';
COMMENT ON COLUMN cap_counters.excess IS 'How many of them are beyond the cap. Kept by a trigger.';

-- Nobody writes between the count and the triggers that go on from it. Those that are written most
-- come first: who has written one of the others already, and then waits here, is rare.
LOCK TABLE vnets, authorizations, webhook_endpoints, tokens, callback_secrets
    IN SHARE ROW EXCLUSIVE MODE;

-- Places were the limit of webhook endpoints, 10 an owner.
ALTER TABLE webhook_endpoints DROP COLUMN place;

\ir functions/cap_owner.sql
INSERT INTO cap_counters (kind, owner, used, most, excess)
SELECT kind, owner, count(*), most, greatest(0, count(*) - most)
FROM (SELECT 'authorizations' AS kind, cap_owner('authorizations', to_jsonb(a)) AS owner
      FROM authorizations a
      UNION ALL
      SELECT 'callback_secrets', cap_owner('callback_secrets', to_jsonb(s)) FROM callback_secrets s
      UNION ALL
      SELECT 'tokens', cap_owner('tokens', to_jsonb(t)) FROM tokens t
      UNION ALL
      SELECT 'vnets', cap_owner('vnets', to_jsonb(v)) FROM vnets v
      UNION ALL
      SELECT 'webhook_endpoints', cap_owner('webhook_endpoints', to_jsonb(w))
      FROM webhook_endpoints w) AS counted
JOIN caps USING (kind)
WHERE owner IS NOT NULL
GROUP BY kind, owner, most;

-- Where the owner of a row never changes, and rows count as long as they are there, their changes
-- are not looked at: connecting changes VNets.
\ir functions/cap_begin.sql
\ir functions/cap_counted.sql
\ir functions/capped.sql
CREATE TRIGGER authorizations_count_against_a_cap AFTER INSERT OR DELETE ON authorizations
    FOR EACH ROW EXECUTE FUNCTION capped();
CREATE TRIGGER callback_secrets_count_against_a_cap AFTER INSERT OR DELETE ON callback_secrets
    FOR EACH ROW EXECUTE FUNCTION capped();
CREATE TRIGGER tokens_count_against_a_cap AFTER INSERT OR UPDATE OR DELETE ON tokens
    FOR EACH ROW EXECUTE FUNCTION capped();
CREATE TRIGGER vnets_count_against_a_cap AFTER INSERT OR DELETE ON vnets
    FOR EACH ROW EXECUTE FUNCTION capped();
CREATE TRIGGER endpoints_count_against_a_cap AFTER INSERT OR UPDATE OR DELETE ON webhook_endpoints
    FOR EACH ROW EXECUTE FUNCTION capped();

-- Guards against DML by hand, the owner's too. What is truncated would be counted still;
-- authorizations and VNets are not, as connections refer to them.
\ir functions/cap_counter_guarded.sql
CREATE TRIGGER a_counter_is_guarded_by_row BEFORE INSERT OR UPDATE ON cap_counters
    FOR EACH ROW EXECUTE FUNCTION cap_counter_guarded();
CREATE TRIGGER counters_are_never_deleted BEFORE DELETE OR TRUNCATE ON cap_counters
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('cap_counters follows what it counts');
CREATE TRIGGER callback_secrets_are_never_truncated BEFORE TRUNCATE ON callback_secrets
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('callback_secrets are never truncated');
CREATE TRIGGER tokens_are_never_truncated BEFORE TRUNCATE ON tokens
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('tokens are never truncated');
CREATE TRIGGER endpoints_are_never_truncated BEFORE TRUNCATE ON webhook_endpoints
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('webhook_endpoints are never truncated');

-- Those that give way at the cap, of one owner.
CREATE INDEX tokens_that_expire ON tokens
    ((role || ':' || coalesce(customer_id::text, partner, '')), expires_at)
    WHERE revoked_at IS NULL AND expires_at IS NOT NULL;
COMMENT ON COLUMN tokens.revoked_at IS
    'When it was deleted through the API or, expired, gave way to another one; such a token is no '
    'longer shown.';
