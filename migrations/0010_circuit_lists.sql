-- SPDX-License-Identifier: Apache-2.0
-- What lists of circuits are read by, beside the indexes of circuits, so that each page costs what
-- the first one does.

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

\ir functions/circuit_changed.sql
CREATE TRIGGER changes_follow_the_circuit AFTER UPDATE ON circuits
    FOR EACH ROW EXECUTE FUNCTION circuit_changed();
CREATE TRIGGER changes_are_never_written BEFORE INSERT OR UPDATE OR DELETE ON circuit_changes
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('circuit_changes follows the rows of circuits and is never written');
CREATE TRIGGER changes_are_never_truncated BEFORE TRUNCATE ON circuit_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('circuit_changes is never truncated');

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

\ir functions/circuit_labelled.sql
CREATE TRIGGER labels_follow_the_circuit AFTER UPDATE OF tags, deleted_at ON circuits
    FOR EACH ROW EXECUTE FUNCTION circuit_labelled();
CREATE TRIGGER labels_are_never_written BEFORE INSERT OR UPDATE OR DELETE ON circuit_labels
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('circuit_labels follows the tags of circuits and is never written');
CREATE TRIGGER labels_are_never_truncated BEFORE TRUNCATE ON circuit_labels
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('circuit_labels is never truncated');
