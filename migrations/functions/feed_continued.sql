-- SPDX-License-Identifier: Apache-2.0
-- What comes to the feed leaves the unpublished by that alone: it can't come once more.
CREATE OR REPLACE FUNCTION feed_continued() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_first bigint;
    v_last bigint;
    v_count bigint;
BEGIN
    SELECT min(position), max(position), count(*) INTO v_first, v_last, v_count FROM published;
    IF v_count = 0 THEN
        RETURN NULL;
    END IF;
    IF v_last - v_first + 1 <> v_count
       OR v_first <> 1 + coalesce((SELECT max(position) FROM onramp.feed
                                   WHERE position < v_first), 0)
       OR v_last <> (SELECT max(position) FROM onramp.feed)
    THEN
        PERFORM onramp.refused('positions_of_the_feed_have_no_gaps',
            'the feed goes on where it ends, without gaps');
    END IF;
    IF v_count <> (SELECT count(*) FROM published p
                   JOIN onramp.events_unpublished u ON u.seq = p.seq
                   WHERE (u.circuit_id, u.sequence, u.at, u.customer_id, u.service_key,
                          u.vnet_customer_id, u.partner, u.traceparent)
                         IS NOT DISTINCT FROM
                         (p.circuit_id, p.sequence, p.at, p.customer_id, p.service_key,
                          p.vnet_customer_id, p.partner, p.traceparent))
    THEN
        PERFORM onramp.refused('the_feed_holds_what_was_announced',
            'what comes to the feed comes from events_unpublished, as it is there');
    END IF;
    DELETE FROM onramp.events_unpublished WHERE seq IN (SELECT seq FROM published);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION feed_continued() IS
    'Refuses rows of the feed that do not go on where it ends, or that no event announced; takes those '
    'that it lets in from the unpublished.';
