-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION circuit_location_quota_guarded() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.customer_id <> OLD.customer_id OR NEW.peering_location <> OLD.peering_location THEN
        PERFORM onramp.refused('a_location_quota_stays_where_it_is',
            'a quota at a location stays with its customer and its location');
    END IF;
    IF NEW.used <> OLD.used AND pg_trigger_depth() = 1 THEN
        PERFORM onramp.refused('circuits_are_counted_by_trigger',
            'used follows the rows of circuits and is never set');
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION circuit_location_quota_guarded() IS
    'Refuses what the row of a quota at a location may not become.';
