-- SPDX-License-Identifier: Apache-2.0
-- Service keys that were replaced: dead at once, and never the key of any circuit again.

CREATE TABLE retired_service_keys (
    service_key uuid CONSTRAINT a_service_key_is_retired_once PRIMARY KEY,
    circuit_id uuid NOT NULL CONSTRAINT a_retired_key_was_a_circuits REFERENCES circuits,
    retired_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE retired_service_keys IS
    'Service keys that were replaced. Filled by a trigger; rows are never changed or deleted.';
COMMENT ON COLUMN retired_service_keys.service_key IS 'The key.';
COMMENT ON COLUMN retired_service_keys.circuit_id IS 'The circuit that it belonged to.';
COMMENT ON COLUMN retired_service_keys.retired_at IS 'When it was replaced.';
CREATE TRIGGER a_retired_key_stays_retired BEFORE UPDATE OR DELETE OR TRUNCATE
    ON retired_service_keys
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('a retired service key stays retired');

-- AFTER: behind the unique index of circuits.service_key, so that a key that is being retired at
-- this moment is waited for and then found here. OF: statements that leave the key alone pay
-- nothing.
CREATE FUNCTION service_key_replaced() RETURNS trigger
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
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION service_key_replaced() IS
    'Retires the old service key of a circuit, and refuses a new one that was retired.';
CREATE TRIGGER a_service_key_is_replaced AFTER UPDATE OF service_key ON circuits
    FOR EACH ROW EXECUTE FUNCTION service_key_replaced();

CREATE FUNCTION service_key_is_new() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM onramp.retired_service_keys WHERE service_key = NEW.service_key) THEN
        PERFORM onramp.refused('a_service_key_is_never_used_again',
            'this service key was retired and is never used again');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION service_key_is_new() IS 'Refuses a new circuit whose service key was retired.';
CREATE TRIGGER a_service_key_is_new AFTER INSERT ON circuits
    FOR EACH ROW EXECUTE FUNCTION service_key_is_new();
