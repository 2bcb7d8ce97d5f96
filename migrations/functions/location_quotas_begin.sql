-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION location_quotas_begin() RETURNS trigger
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
