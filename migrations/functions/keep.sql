-- SPDX-License-Identifier: Apache-2.0
-- For tables whose rules are no more than columns that never change, and whose rows seldom do.
CREATE OR REPLACE FUNCTION keep() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_old jsonb := to_jsonb(OLD);
    v_new jsonb := to_jsonb(NEW);
BEGIN
    FOR i IN 1 .. TG_NARGS - 1 LOOP
        IF v_old -> TG_ARGV[i] IS DISTINCT FROM v_new -> TG_ARGV[i] THEN
            PERFORM onramp.refused(TG_NAME, TG_ARGV[0]);
        END IF;
    END LOOP;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION keep() IS
    'Refuses, with the first argument as reason, to change any of the columns that the others name.';
