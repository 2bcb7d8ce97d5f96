-- SPDX-License-Identifier: Apache-2.0
-- What the filters of GET /v1/circuits are read by, so that each page costs what the first one
-- does. Still few: every index costs 2 us in every UPDATE of circuits, for being opened.

CREATE TYPE list_position AS (at timestamptz, id uuid);
COMMENT ON TYPE list_position IS 'Where a page of a list ended.';
COMMENT ON COLUMN list_position.at IS 'In lists in order of a time; null in those of id alone.';
COMMENT ON COLUMN list_position.id IS 'The last row.';

-- Whom a circuit waits for follows from little more than its status, so the pair has 11 values, and
-- a list of any of the two reads a few ordered runs of this index. (status_waits() knows them.)
DROP INDEX circuits_listed;
CREATE INDEX circuits_listed ON circuits (listed_as, waiting_on, id NULLS FIRST);

-- What is due, for circuit_stall; and the stalled ones, which wait for the partner with nothing
-- due. It holds no others.
DROP INDEX circuits_waiting;
CREATE INDEX circuits_due ON circuits (stalled, due_at, id NULLS FIRST)
    WHERE waiting_on = 'partner';

-- By how long they have stood as they stand, for olderThan. since changes with status and
-- waiting_on, which are indexed already: no UPDATE ceases to be HOT for it.
-- (The planner looks for ::int = 0 in an index, but not for NOT.)
CREATE INDEX circuits_since ON circuits (((deleted_at IS NULL)::int), waiting_on, since, id);

-- By change, for updatedSince: in rows of their own, because updated_at changes with every event,
-- and an index on it would end HOT for all of them, and write to all other indexes too. To the
-- minute, so that only the first event in one writes.
CREATE TABLE circuit_changes (
    -- No foreign key: only the triggers of circuits write here, and circuits are never deleted.
    circuit_id uuid NOT NULL,
    changed_in timestamptz NOT NULL,
    deleted boolean NOT NULL DEFAULT false
) WITH (fillfactor = 75);
-- Its one index: a row is also found by where it stood before.
CREATE UNIQUE INDEX a_circuit_changed_last_in_one_minute
    ON circuit_changes (deleted, changed_in, circuit_id);
COMMENT ON TABLE circuit_changes IS
    'When each circuit last changed, for lists in that order. Kept by triggers.';
COMMENT ON COLUMN circuit_changes.circuit_id IS 'The circuit.';
COMMENT ON COLUMN circuit_changes.changed_in IS 'The minute of its updated_at.';
COMMENT ON COLUMN circuit_changes.deleted IS 'Whether the circuit is deleted.';

CREATE FUNCTION minute_of(p_at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN date_bin('1 minute', p_at, '2000-01-01 00:00:00+00');
COMMENT ON FUNCTION minute_of(timestamptz) IS 'The minute that a time lies in.';

CREATE FUNCTION circuit_changed() RETURNS trigger
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
CREATE TRIGGER changes_follow_the_circuit AFTER UPDATE ON circuits
    FOR EACH ROW EXECUTE FUNCTION circuit_changed();
CREATE TRIGGER changes_are_never_written BEFORE INSERT OR UPDATE OR DELETE ON circuit_changes
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('circuit_changes follows the rows of circuits and is never written');
CREATE TRIGGER changes_are_never_truncated BEFORE TRUNCATE ON circuit_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('circuit_changes is never truncated');

-- So that the planner knows a rare partner or location from a common one; and that partner and
-- location go together (offers), as status and whom it waits for do.
ALTER TABLE circuits ALTER COLUMN partner SET STATISTICS 500,
    ALTER COLUMN peering_location SET STATISTICS 500;
CREATE STATISTICS circuits_at_partners (mcv) ON partner, peering_location FROM circuits;
CREATE STATISTICS circuits_in_states (mcv) ON listed_as, waiting_on FROM circuits;

-- Tags, by what a filter asks for. Not a GIN index on circuits.tags: it has no order, so that a
-- common tag is read whole for every page, and every event of a circuit would write to it.
CREATE TABLE circuit_labels (
    -- No foreign keys: only the triggers of circuits write here, and circuits are never deleted.
    circuit_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    deleted boolean NOT NULL DEFAULT false,
    label text COLLATE "C" NOT NULL
);
-- NULLS FIRST as in the indexes of circuits, whose order lists have.
CREATE UNIQUE INDEX a_circuit_has_a_label_once
    ON circuit_labels (deleted, label, circuit_id NULLS FIRST);
CREATE INDEX circuit_labels_of_customer
    ON circuit_labels (customer_id, label, circuit_id NULLS FIRST) WHERE NOT deleted;
COMMENT ON TABLE circuit_labels IS
    'Tags of circuits, two rows each: the key, and key=value. Kept by triggers, for lists.';
COMMENT ON COLUMN circuit_labels.circuit_id IS 'The circuit.';
COMMENT ON COLUMN circuit_labels.customer_id IS 'Its owner.';
COMMENT ON COLUMN circuit_labels.deleted IS 'Whether the circuit is deleted.';
COMMENT ON COLUMN circuit_labels.label IS 'What a filter asks for: a key, or key=value.';

CREATE FUNCTION labels_of(p_tags jsonb) RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- UNION: a key may hold an equals sign itself, and then stand for the same as another tag.
BEGIN ATOMIC
    SELECT key FROM jsonb_each_text(p_tags)
    UNION
    SELECT key || '=' || value FROM jsonb_each_text(p_tags);
END;
COMMENT ON FUNCTION labels_of(jsonb) IS 'The labels of a circuit with these tags.';

CREATE FUNCTION circuit_labelled() RETURNS trigger
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
CREATE TRIGGER labels_follow_the_circuit AFTER UPDATE OF tags, deleted_at ON circuits
    FOR EACH ROW EXECUTE FUNCTION circuit_labelled();
CREATE TRIGGER labels_are_never_written BEFORE INSERT OR UPDATE OR DELETE ON circuit_labels
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('circuit_labels follows the tags of circuits and is never written');
CREATE TRIGGER labels_are_never_truncated BEFORE TRUNCATE ON circuit_labels
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('circuit_labels is never truncated');

ALTER TABLE circuit_labels DISABLE TRIGGER labels_are_never_written;
INSERT INTO circuit_labels (circuit_id, customer_id, deleted, label)
SELECT id, customer_id, deleted_at IS NOT NULL, label
FROM circuits, labels_of(tags) AS label;
ALTER TABLE circuit_labels ENABLE TRIGGER labels_are_never_written;
ALTER TABLE circuit_changes DISABLE TRIGGER changes_are_never_written;
INSERT INTO circuit_changes (circuit_id, changed_in, deleted)
SELECT id, minute_of(updated_at), deleted_at IS NOT NULL FROM circuits;
ALTER TABLE circuit_changes ENABLE TRIGGER changes_are_never_written;

-- Which pairs of listed_as and waiting_on there are: what waits_for() can say of each status.
CREATE FUNCTION status_waits(OUT listed_as text, OUT waiting_on text) RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 11
BEGIN ATOMIC
    VALUES ('NotProvisioned', 'customer'), ('NotProvisioned', 'partner'),
           ('NotProvisioned', 'operator'), ('Provisioning', 'partner'),
           ('Provisioning', 'operator'), ('Provisioned', 'nobody'), ('Provisioned', 'partner'),
           ('Provisioned', 'operator'), ('Deprovisioning', 'partner'),
           ('Deprovisioning', 'operator'), ('Deleted', 'nobody');
END;
COMMENT ON FUNCTION status_waits() IS
    'Which pairs of listed_as and waiting_on there are, for lists to read run by run.';

-- Other lists whose plans went by the primary key, and so past all rows of others: NULLS FIRST, as
-- in circuits.
DROP INDEX connections_of_circuit_owner;
CREATE INDEX connections_of_circuit_owner ON connections (circuit_customer_id, id NULLS FIRST)
    WHERE circuit_customer_id <> vnet_customer_id;
DROP INDEX connections_of_vnet_owner;
CREATE INDEX connections_of_vnet_owner ON connections (vnet_customer_id, id NULLS FIRST);
-- Operators read the living ones; the revoked stay for ever.
CREATE INDEX tokens_live ON tokens (id NULLS FIRST) WHERE revoked_at IS NULL;
