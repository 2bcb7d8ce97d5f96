-- SPDX-License-Identifier: Apache-2.0
-- {"locations": [{name, metro, zone, site, localRegions, direct}],
--  "partners": [{name, displayName, offers: [{peeringLocation, bandwidthsMbps}]}]}
CREATE OR REPLACE FUNCTION catalogue_load(p_catalogue jsonb)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
BEGIN
    INSERT INTO peering_locations (name, metro, zone, site, local_regions, direct)
    SELECT l ->> 'name', l ->> 'metro', (l ->> 'zone')::smallint, l ->> 'site',
           ARRAY(SELECT jsonb_array_elements_text(l -> 'localRegions')), (l ->> 'direct')::boolean
    FROM jsonb_array_elements(p_catalogue -> 'locations') l
    ON CONFLICT (name) DO NOTHING;

    INSERT INTO partners (name, display_name)
    SELECT p ->> 'name', p ->> 'displayName'
    FROM jsonb_array_elements(p_catalogue -> 'partners') p
    ON CONFLICT (name) DO NOTHING;

    INSERT INTO offers (partner, peering_location, bandwidths_mbps)
    SELECT p ->> 'name', o ->> 'peeringLocation',
           ARRAY(SELECT DISTINCT b::integer FROM jsonb_array_elements_text(o -> 'bandwidthsMbps') b
               ORDER BY 1)
    FROM jsonb_array_elements(p_catalogue -> 'partners') p, jsonb_array_elements(p -> 'offers') o
    ON CONFLICT (partner, peering_location) DO NOTHING;

    r.outcome := 'ok';
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION catalogue_load IS
    'Add what is missing of a catalogue of locations, partners and offers; leave what is there.';
GRANT EXECUTE ON FUNCTION catalogue_load TO onramp_daemon;
