-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION circuit_labelled() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.tags = NEW.tags AND (OLD.deleted_at IS NULL) = (NEW.deleted_at IS NULL) THEN
        RETURN NULL;
    END IF;
    DELETE FROM onramp.circuit_labels
    WHERE deleted = (OLD.deleted_at IS NOT NULL) AND circuit_id = OLD.id
          AND label IN (SELECT onramp.labels_of(OLD.tags));
    INSERT INTO onramp.circuit_labels (circuit_id, customer_id, deleted, label)
    SELECT NEW.id, NEW.customer_id, NEW.deleted_at IS NOT NULL, label
    FROM onramp.labels_of(NEW.tags) AS label;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION circuit_labelled() IS 'Lets the labels of a circuit follow its tags.';
