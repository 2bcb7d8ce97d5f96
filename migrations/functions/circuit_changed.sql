-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION circuit_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF onramp.minute_of(OLD.updated_at) <> onramp.minute_of(NEW.updated_at)
       OR (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)
    THEN
        UPDATE onramp.circuit_changes
        SET changed_in = onramp.minute_of(NEW.updated_at), deleted = NEW.deleted_at IS NOT NULL
        WHERE deleted = (OLD.deleted_at IS NOT NULL)
              AND changed_in = onramp.minute_of(OLD.updated_at) AND circuit_id = OLD.id;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION circuit_changed() IS 'Keeps when a circuit last changed.';
