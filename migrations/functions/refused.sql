-- SPDX-License-Identifier: Apache-2.0
-- For guards that look at rows first.
CREATE OR REPLACE FUNCTION refused(p_constraint text, p_sentence text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'integrity_constraint_violation', MESSAGE = p_sentence, CONSTRAINT = p_constraint,
        SCHEMA = 'onramp';
END
$$;
COMMENT ON FUNCTION refused(text, text) IS
    'Refuses the DML that is under way, by the name of a constraint and with a reason.';
