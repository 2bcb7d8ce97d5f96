-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION token_guarded() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.key_id, NEW.sha256, NEW.role, NEW.customer_id, NEW.partner, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.key_id, OLD.sha256, OLD.role, OLD.customer_id, OLD.partner, OLD.created_at)
    THEN
        PERFORM onramp.refused('a_token_keeps_its_holder', 'a token stays with its holder');
    END IF;
    IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL THEN
        PERFORM onramp.refused('a_revoked_token_stays_revoked', 'a revoked token stays revoked');
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION token_guarded() IS 'Refuses what the row of a token may not become.';
