-- SPDX-License-Identifier: Apache-2.0
-- Who acts, for the events that triggers write: set by the functions of the API for their own
-- transaction as 'role:name'. Raw SQL has none: then it is an operator, by the name of the login.
CREATE OR REPLACE FUNCTION actor_role() RETURNS text
LANGUAGE sql STABLE
RETURN coalesce(nullif(split_part(current_setting('onramp.actor', true), ':', 1), ''), 'operator');
COMMENT ON FUNCTION actor_role() IS 'Role of who acts in this transaction.';
