-- SPDX-License-Identifier: Apache-2.0
-- Looks at the catalogue first: ALTER TABLE would wait for whoever writes secrets, at every start.
CREATE OR REPLACE FUNCTION secret_seal_validate()
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
BEGIN
    IF EXISTS (SELECT FROM pg_constraint
               WHERE conrelid = 'callback_secrets'::regclass
                     AND conname = 'a_callback_secret_is_sealed' AND NOT convalidated)
    THEN
        ALTER TABLE callback_secrets VALIDATE CONSTRAINT a_callback_secret_is_sealed;
    END IF;
    r.outcome := 'ok';
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION secret_seal_validate IS
    'Have the database check, once, that no secret in it is left unsealed.';
GRANT EXECUTE ON FUNCTION secret_seal_validate TO onramp_daemon;
