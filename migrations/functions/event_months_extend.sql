-- SPDX-License-Identifier: Apache-2.0
-- Some ahead, so that a server that stands still for a season finds room when it starts.
CREATE OR REPLACE FUNCTION event_months_extend() RETURNS void
LANGUAGE plpgsql SET search_path = onramp, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    v_last date := date_trunc('month', clock_timestamp()) + interval '3 months';
    v_month date;
BEGIN
    IF EXISTS (SELECT FROM event_months WHERE month = v_last)
       AND EXISTS (SELECT FROM event_months
                   WHERE month = date_trunc('month', clock_timestamp())) THEN
        RETURN;
    END IF;
    -- One at a time; who has waited sees in the next statement what the other has made.
    PERFORM pg_advisory_xact_lock(hashtextextended('event_months', 25));
    FOR v_month IN
        SELECT month::date FROM generate_series(date_trunc('month', clock_timestamp()), v_last,
                                                interval '1 month') AS month
        EXCEPT SELECT month FROM event_months
    LOOP
        PERFORM event_month_add(v_month);
    END LOOP;
END
$$;
COMMENT ON FUNCTION event_months_extend() IS
    'Make room for the events of this month and of three to come, where there is none.';
