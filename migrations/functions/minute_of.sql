-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION minute_of(p_at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN date_bin('1 minute', p_at, '2000-01-01 00:00:00+00');
COMMENT ON FUNCTION minute_of(timestamptz) IS 'The minute that a time lies in.';
