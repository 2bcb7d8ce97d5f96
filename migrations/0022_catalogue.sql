-- SPDX-License-Identifier: Apache-2.0
-- Which catalogue it is. Servers answer partners and peering locations from memory, and ask whether
-- this is still what it was when they read them.
--
-- Nobody waits for anybody here: each transaction that changes the catalogue leaves a row of its
-- own, in place of those that no other one is taking away at that moment. What names the catalogue
-- is all the rows that there are, so every commit of such a transaction gives it another name. A
-- counter in one row would be held until the commit, and taken behind other locks.

CREATE TABLE catalogue_changes (
    -- Random, so that a name is never given twice, not even by a server that lost the last commits.
    id uuid PRIMARY KEY DEFAULT gen_random_uuid()
);
COMMENT ON TABLE catalogue_changes IS
    'The last changes of partners, offers and peering locations. Together they name what these are.';
COMMENT ON COLUMN catalogue_changes.id IS 'Random.';
INSERT INTO catalogue_changes DEFAULT VALUES;

\ir functions/catalogue_changed.sql
CREATE TRIGGER partners_are_of_the_catalogue AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON partners FOR EACH STATEMENT EXECUTE FUNCTION catalogue_changed();
CREATE TRIGGER offers_are_of_the_catalogue AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON offers FOR EACH STATEMENT EXECUTE FUNCTION catalogue_changed();
CREATE TRIGGER locations_are_of_the_catalogue AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON peering_locations FOR EACH STATEMENT EXECUTE FUNCTION catalogue_changed();

\ir functions/catalogue_version.sql
-- Read once a statement, as a sub-select, and in its snapshot.
CREATE OR REPLACE VIEW partner_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, p.name, p.display_name,
       coalesce((SELECT jsonb_agg(jsonb_build_object('peeringLocation', o.peering_location,
                                                     'bandwidthsMbps', o.bandwidths_mbps)
                                  ORDER BY o.peering_location)
                 FROM offers o WHERE o.partner = p.name), '[]') AS offers,
       p.created_at, p.updated_at,
       (SELECT catalogue_version()) AS catalogue_version
FROM partners p;

CREATE OR REPLACE VIEW peering_location_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts,
       l.name, l.metro, l.zone::integer AS zone, l.site,
       to_jsonb(l.local_regions) AS local_regions, l.direct,
       coalesce((SELECT jsonb_agg(o.partner ORDER BY o.partner)
                 FROM offers o WHERE o.peering_location = l.name), '[]') AS partners,
       (SELECT catalogue_version()) AS catalogue_version
FROM peering_locations l;

-- Servers are told the name with the news, and whether commits wait for standbys.
\ir functions/commits_wait.sql
CREATE OR REPLACE VIEW feed_tail_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, position, circuit_id, customer_id,
       vnet_customer_id, partner,
       (SELECT catalogue_version()) AS catalogue_version,
       commits_wait() AS commits_wait
FROM feed;
