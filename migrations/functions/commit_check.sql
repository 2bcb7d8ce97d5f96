-- SPDX-License-Identifier: Apache-2.0
-- The message makes the commit one that waits for standbys: that of a transaction which has written
-- nothing waits for nobody, also where what it has seen has not reached them yet.
CREATE OR REPLACE FUNCTION commit_check()
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
BEGIN
    PERFORM pg_logical_emit_message(true, 'onramp', '');
    r.outcome := 'ok';
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION commit_check IS
    'Writes what nobody reads, and so commits as every write does: to the standbys that have to have it.';
GRANT EXECUTE ON FUNCTION commit_check TO onramp_daemon;
