-- SPDX-License-Identifier: Apache-2.0
-- Internal. Give a partner exactly these offers: [{"peeringLocation", "bandwidthsMbps": [...]}].
-- Answers the faults instead, and changes nothing, when a location is unknown.
CREATE OR REPLACE FUNCTION offers_set(p_partner text, p_offers jsonb)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp AS $$
DECLARE
    v_errors jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_object(
               'pointer', format('/offers/%s/peeringLocation', o.number - 1),
               'code', 'invalid_value',
               'detail', 'There is no such peering location; GET /v1/peering-locations lists them.')
           ORDER BY o.number)
    INTO v_errors
    FROM jsonb_array_elements(p_offers) WITH ORDINALITY AS o (offer, number)
    WHERE NOT EXISTS (SELECT FROM peering_locations WHERE name = o.offer ->> 'peeringLocation');
    IF v_errors IS NOT NULL THEN
        RETURN v_errors;
    END IF;

    DELETE FROM offers
    WHERE partner = p_partner
          AND peering_location NOT IN (SELECT o ->> 'peeringLocation'
                                       FROM jsonb_array_elements(p_offers) o);
    INSERT INTO offers (partner, peering_location, bandwidths_mbps)
    SELECT p_partner, o ->> 'peeringLocation',
           array_agg(DISTINCT b.mbps::integer ORDER BY b.mbps::integer)
    FROM jsonb_array_elements(p_offers) o,
         jsonb_array_elements_text(o -> 'bandwidthsMbps') AS b (mbps)
    GROUP BY o ->> 'peeringLocation'
    ON CONFLICT (partner, peering_location)
    DO UPDATE SET bandwidths_mbps = excluded.bandwidths_mbps;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION offers_set IS 'Give a partner exactly these offers, or answer the faults.';
