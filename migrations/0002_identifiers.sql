-- SPDX-License-Identifier: Apache-2.0
-- Identifiers, verdicts, and how a guard refuses.

-- RFC 9562 UUID version 7: 48 bits of Unix time in milliseconds, then random bits. New rows go to
-- the right-hand edge of their indexes, and the order of ids is the order of creation for lists.
-- A v4 has the version bits 0100; setting the two low ones makes 0111. SQL body: inlined where used.
CREATE FUNCTION uuid_v7() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN encode(
    set_bit(
        set_bit(
            overlay(uuid_send(gen_random_uuid())
                    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint)
                                      FROM 3)
                    FROM 1 FOR 6),
            52, 1),
        53, 1),
    'hex')::uuid;
COMMENT ON FUNCTION uuid_v7() IS 'A new UUID version 7 (RFC 9562).';

CREATE TYPE verdict AS (outcome text, facts jsonb);
COMMENT ON TYPE verdict IS 'What a function answers that returns no resource.';
COMMENT ON COLUMN verdict.outcome IS '''ok'', or the code of the refusal.';
COMMENT ON COLUMN verdict.facts IS 'Members of the problem answer.';

-- The body of every guard: which DML is refused stands in the WHEN clause of its trigger, where it
-- costs no call; the argument is the sentence.
CREATE FUNCTION refuse() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'integrity_constraint_violation',
        MESSAGE = TG_ARGV[0],
        CONSTRAINT = TG_NAME,
        TABLE = TG_TABLE_NAME,
        SCHEMA = TG_TABLE_SCHEMA;
END
$$;
COMMENT ON FUNCTION refuse() IS 'Refuses the DML that fired the trigger, with the trigger''s argument as reason.';
