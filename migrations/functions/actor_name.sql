-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION actor_name() RETURNS text
LANGUAGE sql STABLE
RETURN coalesce(substring(current_setting('onramp.actor', true) FROM ':(.*)'), session_user::text);
COMMENT ON FUNCTION actor_name() IS 'Name of who acts in this transaction.';
