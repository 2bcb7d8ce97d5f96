-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION cap_counter_guarded() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- Where there is no counter there is nothing to be counted.
        IF NEW.used <> 0 OR NEW.excess <> 0 THEN
            PERFORM onramp.refused('a_counter_begins_at_0', 'a counter begins at 0');
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.kind, NEW.owner) <> (OLD.kind, OLD.owner) THEN
        PERFORM onramp.refused('a_counter_stays_with_its_owner',
            'a counter stays with its kind and its owner');
    END IF;
    -- One trigger deep: by hand. The triggers of what is counted come in below it.
    IF NEW.used <> OLD.used AND pg_trigger_depth() = 1 THEN
        PERFORM onramp.refused('what_is_capped_is_counted_by_trigger',
            'used follows the rows that it counts and is never set');
    END IF;
    NEW.excess := CASE WHEN NEW.used > OLD.used THEN OLD.excess
                       ELSE greatest(0, NEW.used - NEW.most) END;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION cap_counter_guarded() IS
    'Refuses what a counter may not become, and keeps what is beyond the cap.';
