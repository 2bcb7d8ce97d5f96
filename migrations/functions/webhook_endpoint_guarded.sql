-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION webhook_endpoint_guarded() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.role, NEW.customer_id, NEW.partner, NEW.created_at)
       IS DISTINCT FROM (OLD.id, OLD.role, OLD.customer_id, OLD.partner, OLD.created_at)
    THEN
        PERFORM onramp.refused('an_endpoint_keeps_its_owner',
            'the identity and owner of an endpoint never change');
    END IF;
    IF OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL THEN
        PERFORM onramp.refused('a_deleted_endpoint_stays_deleted',
            'a deleted endpoint stays deleted');
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION webhook_endpoint_guarded() IS 'Refuses what the row of an endpoint may not become.';
