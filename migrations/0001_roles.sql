-- SPDX-License-Identifier: Apache-2.0
-- Who owns and who calls. Run by the connecting role; everything after this file runs as
-- onramp_owner. Roles belong to the whole cluster: another database may have made them already, or
-- be making them at this very moment, hence the handlers.

DO $$
BEGIN
    CREATE ROLE onramp_owner NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

DO $$
BEGIN
    CREATE ROLE onramp_daemon LOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

-- A connecting role that is no superuser has to be a member to become the owner.
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'onramp_owner', 'MEMBER') THEN
        EXECUTE format('GRANT onramp_owner TO %I', current_user);
    END IF;
EXCEPTION WHEN unique_violation THEN NULL;
END
$$;

COMMENT ON ROLE onramp_owner IS 'Owns all of onramp''s objects; nobody logs in as it.';
COMMENT ON ROLE onramp_daemon IS 'The daemon: may EXECUTE the functions of the API, nothing else.';

-- uuid in GiST, for the exclusion constraints on address prefixes.
CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;

CREATE SCHEMA IF NOT EXISTS onramp AUTHORIZATION onramp_owner;
COMMENT ON SCHEMA onramp IS 'onramp: private circuits, from the order to the connected VNet.';
REVOKE ALL ON SCHEMA onramp FROM PUBLIC;
GRANT USAGE ON SCHEMA onramp TO onramp_daemon;

-- Without IN SCHEMA: only then does it take away what PUBLIC has by default.
ALTER DEFAULT PRIVILEGES FOR ROLE onramp_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE onramp_owner REVOKE USAGE ON TYPES FROM PUBLIC;

-- A temporary table of the caller's could shadow one of ours; the functions put pg_temp last, and
-- the daemon can't make one in the first place.
DO $$
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO onramp_daemon', current_database());
END
$$;
