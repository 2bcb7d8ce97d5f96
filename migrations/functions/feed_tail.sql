-- SPDX-License-Identifier: Apache-2.0
-- What the tailer of each process asks ten times a second: it costs little when nothing happened.
-- p_after null: the newest row alone, to begin from. Where there is no row, one without a position
-- says what every row says: which catalogue it is, and whether commits wait for standbys.
CREATE OR REPLACE FUNCTION feed_tail(p_after bigint, p_limit int)
RETURNS SETOF feed_tail_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r feed_tail_view;
BEGIN
    PERFORM feed_publish(p_limit);
    IF p_after IS NULL THEN
        RETURN QUERY SELECT * FROM feed_tail_view ORDER BY position DESC LIMIT 1;
    ELSE
        RETURN QUERY SELECT * FROM feed_tail_view WHERE position > p_after
            ORDER BY position LIMIT p_limit;
    END IF;
    IF NOT FOUND THEN
        r.outcome := 'ok';
        r.catalogue_version := catalogue_version();
        r.commits_wait := commits_wait();
        RETURN NEXT r;
    END IF;
END
$$;
COMMENT ON FUNCTION feed_tail IS
    'Publish what is committed, and list the feed from after p_after on, p_limit at most.';
GRANT EXECUTE ON FUNCTION feed_tail TO onramp_daemon;
