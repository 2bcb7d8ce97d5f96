-- SPDX-License-Identifier: Apache-2.0
-- Ids of a time and later are not below this one.
CREATE OR REPLACE FUNCTION uuid_v7_least(p_at timestamptz) RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (lpad(to_hex(floor(extract(epoch FROM p_at) * 1000)::bigint), 12, '0')
        || '70008000000000000000')::uuid;
COMMENT ON FUNCTION uuid_v7_least(timestamptz) IS 'The least UUID version 7 of a time.';
