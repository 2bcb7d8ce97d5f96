-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION month_expires(p_month date, p_retention interval) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN ((p_month + interval '1 month') AT TIME ZONE 'UTC') + p_retention;
COMMENT ON FUNCTION month_expires(date, interval) IS
    'When the last event of a month has been kept for that long; null: never.';
