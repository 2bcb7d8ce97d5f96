-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION delivery_attempts_most() RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 50;
COMMENT ON FUNCTION delivery_attempts_most() IS
    'How many attempts at a delivery there are before nobody may ask for another one.';
