-- SPDX-License-Identifier: Apache-2.0
-- Customers: the tenants.

CREATE TABLE customers (
    -- UUID v7, so that keyset lists show customers in the order in which they came.
    id uuid DEFAULT uuid_v7() PRIMARY KEY,
    name display_name NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    quota_epoch integer NOT NULL DEFAULT 0,
    CONSTRAINT a_customers_quotas_are_of_one_epoch UNIQUE (id, quota_epoch)
);
COMMENT ON TABLE customers IS 'Customers: the tenants. One sees nothing of another.';
COMMENT ON COLUMN customers.id IS 'UUID v7.';
COMMENT ON COLUMN customers.name IS 'Display name, also the actor in histories; not unique.';
COMMENT ON COLUMN customers.created_at IS 'When the customer was created.';
COMMENT ON COLUMN customers.quota_epoch IS
    'Rises when quotas are set; part of a key, so that doing so waits for whoever counts.';
CREATE TRIGGER a_customer_keeps_its_identity BEFORE UPDATE ON customers
    FOR EACH ROW EXECUTE FUNCTION keep('the identity of a customer never changes',
        'id', 'created_at');
