-- SPDX-License-Identifier: Apache-2.0
-- The newest row stays whatever its age: the next position counts from it.
CREATE OR REPLACE FUNCTION feed_forgotten() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_last bigint;
    v_newest timestamptz;
BEGIN
    SELECT max(position), max(published_at) INTO v_last, v_newest FROM gone;
    IF v_newest >= clock_timestamp() - (SELECT feed_retention FROM onramp.settings)
       OR EXISTS (SELECT FROM onramp.feed WHERE position < v_last)
       OR (v_last IS NOT NULL AND NOT EXISTS (SELECT FROM onramp.feed))
    THEN
        PERFORM onramp.refused('the_feed_is_forgotten_from_its_old_end',
            'the feed loses its oldest rows, once their time has come, and never the newest');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION feed_forgotten() IS
    'Refuses to take rows from the feed that are not its oldest, or not old enough.';
