-- SPDX-License-Identifier: Apache-2.0
-- Quotas of circuits, which the operator sets for a customer: in all, and at each location. They
-- are counters with CHECKs, as the limits of VNets are, so that no DML passes them at any isolation
-- level.
--
-- Only customers with a quota have counters: orders of all others share no row that they would have
-- to wait for. That a quota begins with the right count takes a lock: whoever orders or deletes a
-- circuit holds the customer's row FOR KEY SHARE before it looks for a counter, and setting quotas
-- changes a key column of that row (quota_epoch), which waits for all of them, and which a
-- transaction with an older snapshot can't overlook: it fails with a serialization error.

CREATE TABLE circuit_quotas (
    customer_id uuid CONSTRAINT a_customer_has_one_quota PRIMARY KEY
        CONSTRAINT a_quota_is_a_customers REFERENCES customers,
    used integer NOT NULL,
    circuits quota,
    circuits_per_location quota,
    -- The limit. used rises and falls with the rows of circuits (triggers
    -- circuits_begin_with_an_event and a_deleted_circuit_counts_no_more).
    CONSTRAINT a_customer_has_at_most_its_quota_of_circuits CHECK (used BETWEEN 0 AND circuits),
    -- What the copies in circuit_location_quotas refer to.
    CONSTRAINT a_location_quota_can_be_referred_to UNIQUE (customer_id, circuits_per_location)
) WITH (fillfactor = 70);
COMMENT ON TABLE circuit_quotas IS 'Quotas of circuits, for customers that have any.';
COMMENT ON COLUMN circuit_quotas.customer_id IS 'The customer.';
COMMENT ON COLUMN circuit_quotas.used IS 'Circuits that exist. Kept by a trigger.';
COMMENT ON COLUMN circuit_quotas.circuits IS 'The most circuits.';
COMMENT ON COLUMN circuit_quotas.circuits_per_location IS
    'The most circuits at one peering location.';

CREATE TABLE circuit_location_quotas (
    customer_id uuid NOT NULL,
    peering_location text COLLATE "C" NOT NULL
        CONSTRAINT a_quota_is_at_a_location REFERENCES peering_locations,
    used integer NOT NULL,
    circuits_per_location quota,
    PRIMARY KEY (customer_id, peering_location),
    CONSTRAINT a_location_holds_at_most_its_quota_of_a_customer
        CHECK (used BETWEEN 0 AND circuits_per_location),
    -- A copy, because a CHECK sees one row; this keeps it the customer's, and lets a change there
    -- arrive here (where the CHECK above may refuse it).
    CONSTRAINT a_location_quota_is_the_customers
        FOREIGN KEY (customer_id, circuits_per_location)
        REFERENCES circuit_quotas (customer_id, circuits_per_location) ON UPDATE CASCADE
) WITH (fillfactor = 70);
COMMENT ON TABLE circuit_location_quotas IS
    'Circuits at each location, for customers that have quotas.';
COMMENT ON COLUMN circuit_location_quotas.customer_id IS 'The customer.';
COMMENT ON COLUMN circuit_location_quotas.peering_location IS 'The location.';
COMMENT ON COLUMN circuit_location_quotas.used IS 'Circuits that exist there. Kept by a trigger.';
COMMENT ON COLUMN circuit_location_quotas.circuits_per_location IS
    'The most: circuit_quotas.circuits_per_location.';

-- Orders are counted by circuits_begin_with_an_event.
\ir functions/circuit_counted.sql
CREATE TRIGGER a_deleted_circuit_counts_no_more AFTER UPDATE OF deleted_at ON circuits
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION circuit_counted();

\ir functions/quota_begins.sql
CREATE TRIGGER a_quota_begins_with_the_count BEFORE INSERT ON circuit_quotas
    FOR EACH ROW EXECUTE FUNCTION quota_begins();
\ir functions/location_quotas_begin.sql
CREATE TRIGGER location_quotas_begin_with_the_count AFTER INSERT ON circuit_quotas
    FOR EACH ROW EXECUTE FUNCTION location_quotas_begin();

-- Guards against DML by hand, the owner's too.
\ir functions/circuit_quota_guarded.sql
CREATE TRIGGER a_quota_is_guarded_by_row BEFORE UPDATE ON circuit_quotas
    FOR EACH ROW EXECUTE FUNCTION circuit_quota_guarded();
\ir functions/circuit_location_quota_guarded.sql
CREATE TRIGGER a_location_quota_is_guarded_by_row BEFORE UPDATE ON circuit_location_quotas
    FOR EACH ROW EXECUTE FUNCTION circuit_location_quota_guarded();
CREATE TRIGGER location_quotas_follow_the_circuits
    BEFORE INSERT OR DELETE ON circuit_location_quotas
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('circuit_location_quotas follows circuits and is never written');
CREATE TRIGGER quotas_are_never_deleted BEFORE DELETE OR TRUNCATE ON circuit_quotas
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('a quota is raised, not deleted');
CREATE TRIGGER location_quotas_are_never_truncated BEFORE TRUNCATE ON circuit_location_quotas
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('circuit_location_quotas is never truncated');
