-- SPDX-License-Identifier: Apache-2.0
-- A time inside jsonb, where the daemon does not write it: RFC 3339, UTC, milliseconds.
CREATE OR REPLACE FUNCTION time_shown(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
COMMENT ON FUNCTION time_shown(timestamptz) IS 'The time as answers show it.';
