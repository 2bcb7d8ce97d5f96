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

-- Stands for "no limit": columns that are compared and referred to, without null.
CREATE DOMAIN quota AS integer NOT NULL DEFAULT 2147483647
    CONSTRAINT a_quota_is_not_negative CHECK (VALUE >= 0);
COMMENT ON DOMAIN quota IS 'The most there may be of something; 2147483647: no limit.';

ALTER TABLE customers
    ADD COLUMN quota_epoch integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT a_customers_quotas_are_of_one_epoch UNIQUE (id, quota_epoch);
COMMENT ON COLUMN customers.quota_epoch IS
    'Rises when quotas are set; part of a key, so that doing so waits for whoever counts.';

CREATE TABLE circuit_quotas (
    customer_id uuid CONSTRAINT a_customer_has_one_quota PRIMARY KEY
        CONSTRAINT a_quota_is_a_customers REFERENCES customers,
    used integer NOT NULL,
    circuits quota,
    circuits_per_location quota,
    -- The limit. used rises and falls with the rows of circuits (trigger a_circuit_is_counted).
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

CREATE FUNCTION circuit_counted() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_change integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    -- A statement of its own: what follows has to see what was committed while this waited.
    PERFORM FROM onramp.customers WHERE id = NEW.customer_id FOR KEY SHARE;
    UPDATE onramp.circuit_quotas SET used = used + v_change WHERE customer_id = NEW.customer_id;
    IF FOUND THEN
        INSERT INTO onramp.circuit_location_quotas (customer_id, peering_location, used,
            circuits_per_location)
        SELECT NEW.customer_id, NEW.peering_location, 0, circuits_per_location
        FROM onramp.circuit_quotas WHERE customer_id = NEW.customer_id
        ON CONFLICT (customer_id, peering_location) DO NOTHING;
        UPDATE onramp.circuit_location_quotas SET used = used + v_change
        WHERE customer_id = NEW.customer_id AND peering_location = NEW.peering_location;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION circuit_counted() IS 'Counts circuits against the quotas of their customer.';
CREATE TRIGGER a_circuit_is_counted AFTER INSERT ON circuits
    FOR EACH ROW EXECUTE FUNCTION circuit_counted();
CREATE TRIGGER a_deleted_circuit_counts_no_more AFTER UPDATE OF deleted_at ON circuits
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION circuit_counted();

-- Guards against DML by hand, the owner's too.
CREATE TRIGGER circuits_are_counted_by_trigger BEFORE UPDATE OF used ON circuit_quotas
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('used follows the rows of circuits and is never set');
CREATE TRIGGER circuits_are_counted_by_trigger BEFORE UPDATE OF used ON circuit_location_quotas
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('used follows the rows of circuits and is never set');
CREATE FUNCTION quota_begins() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_used bigint;
BEGIN
    -- Whoever orders or deletes is waited for, and comes after this.
    UPDATE onramp.customers SET quota_epoch = quota_epoch + 1 WHERE id = NEW.customer_id;
    SELECT count(*) INTO v_used
    FROM onramp.circuits WHERE customer_id = NEW.customer_id AND deleted_at IS NULL;
    NEW.used := v_used;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION quota_begins() IS 'A quota begins with the count of what there is.';
CREATE TRIGGER a_quota_begins_with_the_count BEFORE INSERT ON circuit_quotas
    FOR EACH ROW EXECUTE FUNCTION quota_begins();
CREATE FUNCTION location_quotas_begin() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO onramp.circuit_location_quotas (customer_id, peering_location, used,
        circuits_per_location)
    SELECT NEW.customer_id, peering_location, count(*), NEW.circuits_per_location
    FROM onramp.circuits
    WHERE customer_id = NEW.customer_id AND deleted_at IS NULL
    GROUP BY peering_location;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION location_quotas_begin() IS 'The same at each location.';
CREATE TRIGGER location_quotas_begin_with_the_count AFTER INSERT ON circuit_quotas
    FOR EACH ROW EXECUTE FUNCTION location_quotas_begin();
CREATE TRIGGER location_quotas_follow_the_circuits
    BEFORE INSERT OR DELETE ON circuit_location_quotas
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION refuse('circuit_location_quotas follows circuits and is never written');
CREATE TRIGGER quotas_are_never_deleted BEFORE DELETE OR TRUNCATE ON circuit_quotas
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('a quota is raised, not deleted');
CREATE TRIGGER location_quotas_are_never_truncated BEFORE TRUNCATE ON circuit_location_quotas
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('circuit_location_quotas is never truncated');

CREATE TYPE limit_shown AS (
    outcome text, facts jsonb, name text, scope text, peering_location text, tier text,
    bandwidth_mbps integer, used bigint, quota bigint, rule text);
COMMENT ON TYPE limit_shown IS 'A quota with what is used of it, as answered.';
COMMENT ON COLUMN limit_shown.outcome IS '''ok'', or the code of a refusal.';
COMMENT ON COLUMN limit_shown.facts IS 'Members of the problem answer to a refusal.';
COMMENT ON COLUMN limit_shown.name IS 'Which quota.';
COMMENT ON COLUMN limit_shown.scope IS 'Of what: customer, peering_location, circuit or vnet.';
COMMENT ON COLUMN limit_shown.peering_location IS 'Where, if it is about a location.';
COMMENT ON COLUMN limit_shown.tier IS 'Of which tier, if it is about circuits of one.';
COMMENT ON COLUMN limit_shown.bandwidth_mbps IS 'Of which bandwidth, likewise.';
COMMENT ON COLUMN limit_shown.used IS 'What is used: of several, the highest.';
COMMENT ON COLUMN limit_shown.quota IS 'The limit; null: none is set.';
COMMENT ON COLUMN limit_shown.rule IS 'The rule in words.';
