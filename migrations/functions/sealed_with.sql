-- SPDX-License-Identifier: Apache-2.0
-- Generated columns hold what it says: who changes it writes these anew, in a migration.
CREATE OR REPLACE FUNCTION sealed_with(p_secret text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN substring(p_secret FROM '^v1\.([A-Za-z0-9_-]{1,32})\.[A-Za-z0-9_-]{38,}$');
COMMENT ON FUNCTION sealed_with(text) IS 'The id of the key that sealed it; null: it is not sealed.';
