-- SPDX-License-Identifier: Apache-2.0
-- Internal. The cap is locked until the counter refers to it: one that is being changed is waited for.
CREATE OR REPLACE FUNCTION cap_begin(p_kind text, p_owner text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO onramp.cap_counters (kind, owner, used, most)
    SELECT kind, p_owner, 0, most FROM onramp.caps WHERE kind = p_kind FOR KEY SHARE
    ON CONFLICT (kind, owner) DO NOTHING;
END
$$;
COMMENT ON FUNCTION cap_begin IS 'Give an owner a counter, if there is none, of which nothing is used.';
