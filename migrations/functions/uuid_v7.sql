-- SPDX-License-Identifier: Apache-2.0
-- RFC 9562 UUID version 7: 48 bits of Unix time in milliseconds, the version, 12 bits of the
-- millisecond's fraction (method 3 of its section 6.2), then variant and random bits. New rows go
-- to the right-hand edge of their indexes, and the order of ids is the order of creation for lists.
-- In hex: time and fraction are 15 digits, the version is put in behind the 12th, and a random UUID
-- gives the other 16 (with its own hyphen). SQL body: inlined where it is used.
CREATE OR REPLACE FUNCTION uuid_v7() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN (overlay(lpad(to_hex((date_part('epoch', clock_timestamp()) * 4096000)::bigint), 15, '0')
                PLACING '7' FROM 13 FOR 0)
        || right(gen_random_uuid()::text, 17))::uuid;
COMMENT ON FUNCTION uuid_v7() IS 'A new UUID version 7 (RFC 9562).';
