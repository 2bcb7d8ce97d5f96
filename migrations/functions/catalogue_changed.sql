-- SPDX-License-Identifier: Apache-2.0
-- Trigger of every table that the catalogue is made of.
CREATE OR REPLACE FUNCTION catalogue_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM onramp.catalogue_changes
    WHERE id IN (SELECT id FROM onramp.catalogue_changes FOR UPDATE SKIP LOCKED);
    INSERT INTO onramp.catalogue_changes DEFAULT VALUES;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION catalogue_changed() IS 'Gives the catalogue another name.';
