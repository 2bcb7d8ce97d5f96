-- SPDX-License-Identifier: Apache-2.0
-- The event is there before the act is noted.
CREATE OR REPLACE FUNCTION act_noted() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM onramp.circuit_events
                   WHERE circuit_id = NEW.circuit_id AND sequence = NEW.sequence
                         AND vnet_customer_id = NEW.customer_id) THEN
        PERFORM onramp.refused('an_act_is_of_the_vnets_owner',
            'who acted on another''s circuit is the owner of the VNet that the event names');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION act_noted() IS 'Refuses an act of somebody whom its event does not name.';
