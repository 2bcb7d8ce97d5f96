-- SPDX-License-Identifier: Apache-2.0
-- Partners, the places where they meet us, and what they offer there.
-- Names are compared and listed by code point (COLLATE "C"): the same order on every host, and the
-- cheapest comparison.

CREATE TABLE peering_locations (
    name text COLLATE "C" PRIMARY KEY
        CONSTRAINT a_locations_name_has_1_to_80_characters
            CHECK (char_length(name) BETWEEN 1 AND 80),
    metro text NOT NULL,
    zone smallint NOT NULL CONSTRAINT a_location_lies_in_zone_1_to_4 CHECK (zone BETWEEN 1 AND 4),
    site text NOT NULL,
    -- An array: read and written as a whole, never searched.
    local_regions text[] NOT NULL DEFAULT '{}',
    direct boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE peering_locations IS 'Meet-me sites where partner and cloud meet.';
COMMENT ON COLUMN peering_locations.name IS 'Name, as in orders: Amsterdam2.';
COMMENT ON COLUMN peering_locations.metro IS 'The metro the site is part of: Amsterdam.';
COMMENT ON COLUMN peering_locations.zone IS 'Geopolitical zone, 1-4.';
COMMENT ON COLUMN peering_locations.site IS 'The building: Equinix AM5.';
COMMENT ON COLUMN peering_locations.local_regions IS
    'Cloud regions near enough for the tier Local.';
COMMENT ON COLUMN peering_locations.direct IS 'Whether direct ports exist there.';

CREATE TRIGGER a_location_keeps_its_name BEFORE UPDATE ON peering_locations
    FOR EACH ROW EXECUTE FUNCTION keep('the name of a peering location never changes', 'name');

CREATE TABLE partners (
    -- The slug is the key everywhere: it is what URLs, orders and histories say, and it never
    -- changes.
    name text COLLATE "C" PRIMARY KEY
        CONSTRAINT a_partners_name_is_a_slug
        CHECK (char_length(name) BETWEEN 1 AND 100 AND name ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    display_name text NOT NULL
        CONSTRAINT a_partners_display_name_has_1_to_120_characters
        CHECK (char_length(display_name) BETWEEN 1 AND 120),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE partners IS 'Connectivity providers.';
COMMENT ON COLUMN partners.name IS 'Slug: equinix.';
COMMENT ON COLUMN partners.display_name IS 'Name as people write it: Equinix.';
COMMENT ON COLUMN partners.created_at IS 'When the partner was created.';
COMMENT ON COLUMN partners.updated_at IS 'When its name or offers last changed.';

CREATE TRIGGER a_partner_keeps_its_name BEFORE UPDATE ON partners
    FOR EACH ROW EXECUTE FUNCTION keep('the slug of a partner never changes',
        'name', 'created_at');

CREATE TABLE offers (
    partner text COLLATE "C" NOT NULL
        CONSTRAINT an_offer_is_a_partners REFERENCES partners,
    peering_location text COLLATE "C" NOT NULL
        CONSTRAINT an_offer_is_at_a_location REFERENCES peering_locations,
    -- An array, not a row a bandwidth: eight at most, and a circuit's order reads one row.
    bandwidths_mbps integer[] NOT NULL
        CONSTRAINT an_offer_has_known_bandwidths
        CHECK (cardinality(bandwidths_mbps) > 0
               AND bandwidths_mbps <@ '{50,100,200,500,1000,2000,5000,10000}'::integer[]
               AND array_position(bandwidths_mbps, NULL) IS NULL),
    -- Serves an order's look-up and a partner's catalogue.
    CONSTRAINT a_partner_has_one_offer_a_location PRIMARY KEY (partner, peering_location)
);
-- For the partners of a location.
CREATE INDEX offers_by_location ON offers (peering_location, partner);
COMMENT ON TABLE offers IS 'What a partner sells where. Circuits keep what they were ordered with.';
COMMENT ON COLUMN offers.partner IS 'The partner.';
COMMENT ON COLUMN offers.peering_location IS 'The location.';
COMMENT ON COLUMN offers.bandwidths_mbps IS 'Bandwidths on sale there, in Mbps, rising.';
