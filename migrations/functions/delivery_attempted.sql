-- SPDX-License-Identifier: Apache-2.0
-- Internal. They count 1, 2, 3 ... per delivery, so the last one's number is how many there were.
CREATE OR REPLACE FUNCTION delivery_attempted(p_id uuid)
RETURNS int
LANGUAGE sql STABLE
RETURN coalesce((SELECT number FROM onramp.delivery_attempts WHERE delivery_id = p_id
                 ORDER BY number DESC LIMIT 1), 0);
COMMENT ON FUNCTION delivery_attempted IS 'How many attempts there have been at a delivery.';
