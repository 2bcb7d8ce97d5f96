-- SPDX-License-Identifier: Apache-2.0
-- Trigger, AFTER: behind the unique index of circuits.service_key, so that a key that is being retired at
-- this moment is waited for and then found here. OF: statements that leave the key alone pay
-- nothing.
CREATE OR REPLACE FUNCTION service_key_replaced() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.service_key = OLD.service_key THEN
        RETURN NULL;
    END IF;
    INSERT INTO onramp.retired_service_keys (service_key, circuit_id)
    VALUES (OLD.service_key, OLD.id);
    IF EXISTS (SELECT FROM onramp.retired_service_keys WHERE service_key = NEW.service_key) THEN
        PERFORM onramp.refused('a_service_key_is_never_used_again',
            'this service key was retired and is never used again');
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM onramp.service_keys_probed(ARRAY[NEW.service_key], NEW.id);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION service_key_replaced() IS
    'Retires the old service key of a circuit, and refuses a new one that was retired.';
