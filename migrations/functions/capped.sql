-- SPDX-License-Identifier: Apache-2.0
-- Trigger of every table that has a cap. AFTER: ON CONFLICT DO NOTHING inserts no row, and must
-- count none.
CREATE OR REPLACE FUNCTION capped() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_old text := onramp.cap_owner(TG_TABLE_NAME, to_jsonb(OLD));
    v_new text := onramp.cap_owner(TG_TABLE_NAME, to_jsonb(NEW));
BEGIN
    IF v_old IS DISTINCT FROM v_new THEN
        IF v_old IS NOT NULL THEN
            PERFORM onramp.cap_counted(TG_TABLE_NAME, v_old, -1);
        END IF;
        IF v_new IS NOT NULL THEN
            PERFORM onramp.cap_counted(TG_TABLE_NAME, v_new, 1);
        END IF;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION capped() IS 'Counts the rows of a table against the cap of their owner.';
