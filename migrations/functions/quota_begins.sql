-- SPDX-License-Identifier: Apache-2.0
-- Trigger: a quota begins with the count of what there is. At READ COMMITTED alone: a snapshot that
-- is older than an order that has been committed would overlook it, and that order has changed
-- nothing of the customer's row that could tell.
CREATE OR REPLACE FUNCTION quota_begins() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_used bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM onramp.refused('a_quota_begins_at_read_committed',
            'a first quota counts what there is, and is set at READ COMMITTED');
    END IF;
    -- Whoever orders or deletes is waited for, and comes after this.
    UPDATE onramp.customers SET quota_epoch = quota_epoch + 1 WHERE id = NEW.customer_id;
    SELECT count(*) INTO v_used
    FROM onramp.circuits WHERE customer_id = NEW.customer_id AND deleted_at IS NULL;
    NEW.used := v_used;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION quota_begins() IS 'A quota begins with the count of what there is.';
