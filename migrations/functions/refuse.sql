-- SPDX-License-Identifier: Apache-2.0
-- The body of every guard that refuses whole statements; the argument is the sentence.
CREATE OR REPLACE FUNCTION refuse() RETURNS trigger
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
