-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION catalogue_version() RETURNS text
LANGUAGE sql STABLE
RETURN (SELECT string_agg(id::text, ',' ORDER BY id) FROM onramp.catalogue_changes);
COMMENT ON FUNCTION catalogue_version IS
    'What names the catalogue: another text whenever a change of it has been committed.';
