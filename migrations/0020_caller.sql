-- SPDX-License-Identifier: Apache-2.0
-- Who calls: the first parameter of every function that writes for somebody.

CREATE TYPE caller AS (
    role text,        -- customer, partner or operator
    actor text,       -- whose name histories show
    token uuid,       -- that the request was made with; null with a signature
    address inet,     -- where the request came from
    request_id text,  -- as in X-Request-Id
    trace text        -- W3C trace context; null: part of none
);
COMMENT ON TYPE caller IS 'Who calls, with what, from where and in which request.';
COMMENT ON COLUMN caller.role IS 'customer, partner or operator.';
COMMENT ON COLUMN caller.actor IS 'Whose name histories show.';
COMMENT ON COLUMN caller.token IS 'The token of the request; null with a signature.';
COMMENT ON COLUMN caller.address IS 'Where the request came from.';
COMMENT ON COLUMN caller.request_id IS 'The id of the request, as in X-Request-Id.';
COMMENT ON COLUMN caller.trace IS 'The W3C trace context of the request; null: part of none.';
