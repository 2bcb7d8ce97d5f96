-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION vnet_spreads() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.address_space = OLD.address_space THEN
            RETURN NULL;
        END IF;
        DELETE FROM onramp.vnet_prefixes WHERE vnet_id = NEW.id;
    END IF;
    INSERT INTO onramp.vnet_prefixes (vnet_id, prefix) SELECT NEW.id, unnest(NEW.address_space);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION vnet_spreads() IS 'Keeps vnet_prefixes as address_space says.';
