-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION announcement_published() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- What is published in this transaction stands at the end of the feed: no index on seq.
    IF EXISTS (SELECT FROM gone
               WHERE seq NOT IN (SELECT seq FROM onramp.feed ORDER BY position DESC
                                 LIMIT (SELECT count(*) FROM gone)))
    THEN
        PERFORM onramp.refused('an_announcement_ends_in_the_feed',
            'an event leaves events_unpublished for the feed alone');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION announcement_published() IS
    'Refuses to take an event from the unpublished that is not in the feed.';
