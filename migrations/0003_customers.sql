-- SPDX-License-Identifier: Apache-2.0
-- Customers: the tenants.

CREATE TABLE customers (
    -- UUID v7, so that keyset lists show customers in the order in which they came.
    id uuid DEFAULT uuid_v7() PRIMARY KEY,
    name display_name NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE customers IS 'Customers: the tenants. One sees nothing of another.';
COMMENT ON COLUMN customers.id IS 'UUID v7.';
COMMENT ON COLUMN customers.name IS 'Display name, also the actor in histories; not unique.';
COMMENT ON COLUMN customers.created_at IS 'When the customer was created.';
