-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION labels_of(p_tags jsonb) RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- UNION: a key may hold an equals sign itself, and then stand for the same as another tag.
BEGIN ATOMIC
    SELECT key FROM jsonb_each_text(p_tags)
    UNION
    SELECT key || '=' || value FROM jsonb_each_text(p_tags);
END;
COMMENT ON FUNCTION labels_of(jsonb) IS 'The labels of a circuit with these tags.';
