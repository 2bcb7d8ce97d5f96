-- SPDX-License-Identifier: Apache-2.0
-- Internal: what the triggers of capped tables do; by hand it is refused, as every change of used is.
CREATE OR REPLACE FUNCTION cap_counted(p_kind text, p_owner text, p_change integer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE onramp.cap_counters SET used = used + p_change WHERE kind = p_kind AND owner = p_owner;
    IF NOT FOUND THEN
        PERFORM onramp.cap_begin(p_kind, p_owner);
        UPDATE onramp.cap_counters SET used = used + p_change
        WHERE kind = p_kind AND owner = p_owner;
    END IF;
END
$$;
COMMENT ON FUNCTION cap_counted IS 'Count one more or one less of a kind against the cap of an owner.';
