-- SPDX-License-Identifier: Apache-2.0
-- p_days null: for ever.
CREATE OR REPLACE FUNCTION retention_set(p_days int)
RETURNS SETOF verdict
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r verdict;
BEGIN
    UPDATE settings SET event_retention = make_interval(days => p_days);
    r.outcome := 'ok';
    RETURN NEXT r;
EXCEPTION WHEN check_violation THEN
    r.outcome := 'invalid_request';
    r.facts := (SELECT jsonb_build_object('detail', format(
        'Histories are kept for longer than the feed, which is kept for %s: for a day more at least.',
        feed_retention)) FROM settings);
    RETURN NEXT r;
END
$$;
COMMENT ON FUNCTION retention_set IS 'Keep histories for so many days from now on, or for ever.';
GRANT EXECUTE ON FUNCTION retention_set TO onramp_daemon;
