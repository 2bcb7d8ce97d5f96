-- SPDX-License-Identifier: Apache-2.0
-- Identifiers, verdicts, how a guard refuses, and the shapes of single values.

-- RFC 9562 UUID version 7: 48 bits of Unix time in milliseconds, the version, 12 bits of the
-- millisecond's fraction (method 3 of its section 6.2), then variant and random bits. New rows go
-- to the right-hand edge of their indexes, and the order of ids is the order of creation for lists.
-- In hex: time and fraction are 15 digits, the version is put in behind the 12th, and a random UUID
-- gives the other 16 (with its own hyphen). SQL body: inlined where it is used.
CREATE FUNCTION uuid_v7() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN (overlay(lpad(to_hex((date_part('epoch', clock_timestamp()) * 4096000)::bigint), 15, '0')
                PLACING '7' FROM 13 FOR 0)
        || right(gen_random_uuid()::text, 17))::uuid;
COMMENT ON FUNCTION uuid_v7() IS 'A new UUID version 7 (RFC 9562).';

CREATE TYPE verdict AS (outcome text, facts jsonb);
COMMENT ON TYPE verdict IS 'What a function answers that returns no resource.';
COMMENT ON COLUMN verdict.outcome IS '''ok'', or the code of the refusal.';
COMMENT ON COLUMN verdict.facts IS 'Members of the problem answer.';

-- The body of every guard that refuses whole statements; the argument is the sentence.
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
COMMENT ON FUNCTION refuse() IS
    'Refuses the DML that fired the trigger, with the trigger''s argument as reason.';

-- For guards that look at rows first.
CREATE FUNCTION refused(p_constraint text, p_sentence text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'integrity_constraint_violation', MESSAGE = p_sentence, CONSTRAINT = p_constraint,
        SCHEMA = 'onramp';
END
$$;
COMMENT ON FUNCTION refused(text, text) IS
    'Refuses the DML that is under way, by the name of a constraint and with a reason.';

-- What a single value may look like is said by domains, not by CHECKs on the tables: PostgreSQL
-- reads every CHECK of a table (and every WHEN of its triggers) anew in each statement that writes
-- a row, 3-3.5 us apiece, whatever columns it sets; a domain is looked at when a value of it is
-- made. Tables keep as CHECK what is a rule about the row and must hold by itself: the limits above
-- all.
CREATE DOMAIN display_name AS text
    CONSTRAINT a_name_has_1_to_80_characters CHECK (char_length(VALUE) BETWEEN 1 AND 80);
COMMENT ON DOMAIN display_name IS 'A name that people give and read.';
CREATE DOMAIN remark AS text
    CONSTRAINT a_remark_has_1000_characters_at_most CHECK (char_length(VALUE) <= 1000);
COMMENT ON DOMAIN remark IS 'A note or a reason.';
CREATE DOMAIN label AS text
    CONSTRAINT a_label_has_120_characters_at_most CHECK (char_length(VALUE) <= 120);
COMMENT ON DOMAIN label IS 'A port, a reference.';
CREATE DOMAIN tags AS jsonb
    CONSTRAINT tags_are_an_object CHECK (jsonb_typeof(VALUE) = 'object');
COMMENT ON DOMAIN tags IS 'Labels of the customer''s: an object of texts.';
CREATE DOMAIN digest AS bytea
    CONSTRAINT a_digest_has_32_octets CHECK (length(VALUE) = 32);
COMMENT ON DOMAIN digest IS 'A SHA-256.';
CREATE DOMAIN webhook_id AS text COLLATE "C"
    CONSTRAINT a_webhook_id_has_1_to_256_characters CHECK (char_length(VALUE) BETWEEN 1 AND 256);
COMMENT ON DOMAIN webhook_id IS 'The header webhook-id of a callback.';
CREATE DOMAIN vlan AS smallint
    CONSTRAINT a_vlan_is_1_to_4094 CHECK (VALUE BETWEEN 1 AND 4094);
COMMENT ON DOMAIN vlan IS 'A VLAN identifier (IEEE 802.1Q).';
CREATE DOMAIN actor AS text COLLATE "C"
    CONSTRAINT an_actor_is_known CHECK (VALUE IN ('customer', 'partner', 'operator', 'system'));
COMMENT ON DOMAIN actor IS 'The role of who did something.';
CREATE DOMAIN circuit_switch AS text COLLATE "C"
    CONSTRAINT a_circuit_is_enabled_or_disabled CHECK (VALUE IN ('Enabled', 'Disabled'));
COMMENT ON DOMAIN circuit_switch IS 'The operator''s switch on a circuit.';
CREATE DOMAIN billing_family AS text COLLATE "C"
    CONSTRAINT a_family_is_known CHECK (VALUE IN ('MeteredData', 'UnlimitedData'));
COMMENT ON DOMAIN billing_family IS 'How a circuit''s traffic is billed.';
CREATE DOMAIN address_space AS cidr[]
    CONSTRAINT an_address_space_has_1_to_16_prefixes
    CHECK (array_ndims(VALUE) = 1 AND cardinality(VALUE) BETWEEN 1 AND 16);
COMMENT ON DOMAIN address_space IS 'The prefixes of a VNet.';
CREATE DOMAIN gateway_subnet AS cidr
    CONSTRAINT a_gateway_subnet_is_28_or_larger CHECK (masklen(VALUE) <= 28);
COMMENT ON DOMAIN gateway_subnet IS 'The subnet of a VNet''s gateway.';
