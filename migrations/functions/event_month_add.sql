-- SPDX-License-Identifier: Apache-2.0
-- Attached, not made as a partition: that would lock all of circuit_events against everybody, this
-- lets reading and writing go on. Triggers for statements are those of the table that a statement
-- names, so a month has its own.
CREATE OR REPLACE FUNCTION event_month_add(p_month date) RETURNS void
LANGUAGE plpgsql SET search_path = onramp, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    v_name text := to_char(p_month, '"circuit_events_"YYYY_MM');
    v_from timestamptz := date_trunc('month', p_month::timestamptz);
BEGIN
    EXECUTE format('CREATE TABLE %I (LIKE circuit_events INCLUDING DEFAULTS)', v_name);
    EXECUTE format('ALTER TABLE %I OWNER TO onramp_owner', v_name); -- whoever calls this
    EXECUTE format('CREATE TRIGGER an_event_is_never_changed '
                   'BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT '
                   'EXECUTE FUNCTION refuse(''an event is never changed or deleted'')', v_name);
    EXECUTE format('ALTER TABLE circuit_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   v_name, v_from, v_from + interval '1 month');
END
$$;
COMMENT ON FUNCTION event_month_add(date) IS 'Make room for the events of a month (UTC).';
