-- SPDX-License-Identifier: Apache-2.0
-- What orders and deletions do to the counters of who has any; by hand it is refused, as every
-- change of used is.
CREATE OR REPLACE FUNCTION quota_count(p_customer uuid, p_location text, p_change integer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE onramp.circuit_quotas SET used = used + p_change WHERE customer_id = p_customer;
    IF FOUND THEN
        INSERT INTO onramp.circuit_location_quotas (customer_id, peering_location, used,
            circuits_per_location)
        SELECT p_customer, p_location, 0, circuits_per_location
        FROM onramp.circuit_quotas WHERE customer_id = p_customer
        ON CONFLICT (customer_id, peering_location) DO NOTHING;
        UPDATE onramp.circuit_location_quotas SET used = used + p_change
        WHERE customer_id = p_customer AND peering_location = p_location;
    END IF;
END
$$;
COMMENT ON FUNCTION quota_count(uuid, text, integer) IS
    'Counts circuits at a location, more or less of them, against the quotas of their customer.';
