-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION event_matches(p_filter text[], p_type text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_filter && ARRAY['*', split_part(p_type, '.', 1) || '.*', p_type];
COMMENT ON FUNCTION event_matches(text[], text) IS 'Whether a filter lets events of a type through.';
