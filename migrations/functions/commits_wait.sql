-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION commits_wait() RETURNS boolean
LANGUAGE sql STABLE
RETURN current_setting('synchronous_standby_names') <> '';
COMMENT ON FUNCTION commits_wait IS 'Whether commits wait for standbys.';
