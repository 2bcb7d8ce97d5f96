-- SPDX-License-Identifier: Apache-2.0
-- Trigger. Connecting updates the circuit's row, then the VNet's, always in this order (no
-- deadlock), and never only locks them: after a bare lock an old snapshot would stay in force at
-- REPEATABLE READ. The event names the owner of another customer's VNet: when a connection is
-- deleted nobody can look its VNet up later. What the functions of the API write in sets is counted
-- by connections_counted(): the setting that says who acts tells both which of them it is.
CREATE OR REPLACE FUNCTION connection_counted() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_space cidr[];
BEGIN
    IF current_setting('onramp.actors', true) <> '' THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        WITH circuit AS (
            UPDATE onramp.circuits
            SET used = used + 1, last_sequence = last_sequence + 1,
                previous_status = provider_status, updated_at = v_now
            WHERE id = NEW.circuit_id
            RETURNING id, last_sequence, provider_status)
        INSERT INTO onramp.circuit_events
            (circuit_id, sequence, at, type, from_status, to_status, connection_id,
             vnet_customer_id, actor_role, actor_name)
        SELECT id, last_sequence, v_now, 'connection.created', provider_status, provider_status,
               NEW.id, nullif(NEW.vnet_customer_id, NEW.circuit_customer_id),
               onramp.actor_role(), onramp.actor_name()
        FROM circuit;
        UPDATE onramp.vnets SET used = used + 1, version = version + 1, updated_at = v_now
        WHERE id = NEW.vnet_id
        RETURNING address_space INTO v_space;
        INSERT INTO onramp.circuit_prefixes (circuit_id, vnet_id, prefix)
        SELECT NEW.circuit_id, NEW.vnet_id, unnest(v_space);
    ELSE
        WITH circuit AS (
            UPDATE onramp.circuits
            SET used = used - 1, last_sequence = last_sequence + 1,
                previous_status = provider_status, updated_at = v_now
            WHERE id = OLD.circuit_id
            RETURNING id, last_sequence, provider_status)
        INSERT INTO onramp.circuit_events
            (circuit_id, sequence, at, type, from_status, to_status, connection_id,
             vnet_customer_id, actor_role, actor_name)
        SELECT id, last_sequence, v_now, 'connection.deleted', provider_status, provider_status,
               OLD.id, nullif(OLD.vnet_customer_id, OLD.circuit_customer_id),
               onramp.actor_role(), onramp.actor_name()
        FROM circuit;
        UPDATE onramp.vnets SET used = used - 1, version = version + 1, updated_at = v_now
        WHERE id = OLD.vnet_id;
        DELETE FROM onramp.circuit_prefixes
        WHERE circuit_id = OLD.circuit_id AND vnet_id = OLD.vnet_id;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION connection_counted() IS
    'Counts connections on both sides, writes the event, keeps circuit_prefixes.';
