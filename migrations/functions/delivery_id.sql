-- SPDX-License-Identifier: Apache-2.0
-- RFC 9562 UUID version 7 with a time that is given and bits that are made of endpoint and position:
-- the same event has the same delivery, whoever makes it and when. The 12 bits behind the time are
-- the position's last, so that ids of one millisecond stand in its order.
CREATE OR REPLACE FUNCTION delivery_id(p_endpoint uuid, p_position bigint, p_published_at timestamptz)
RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (lpad(to_hex(floor(extract(epoch FROM p_published_at) * 1000)::bigint), 12, '0')
        || '7' || lpad(to_hex(p_position & 4095), 3, '0')
        || overlay(left(md5(p_endpoint::text || ' ' || p_position), 16)
                   PLACING to_hex(8 + (p_position >> 12 & 3)) FROM 1 FOR 1))::uuid;
COMMENT ON FUNCTION delivery_id(uuid, bigint, timestamptz) IS
    'The id of the delivery of a published event to an endpoint.';
