-- SPDX-License-Identifier: Apache-2.0
-- Trigger: a deleted circuit counts no more. New ones are counted by circuits_begin().
CREATE OR REPLACE FUNCTION circuit_counted() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- A statement of its own: what follows has to see what was committed while this waited.
    PERFORM FROM onramp.customers WHERE id = NEW.customer_id FOR KEY SHARE;
    PERFORM onramp.quota_count(NEW.customer_id, NEW.peering_location, -1);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION circuit_counted() IS
    'Takes a deleted circuit from what counts against the quotas of its customer.';
