-- SPDX-License-Identifier: Apache-2.0
-- Internal. The counter stays locked: what is decided holds until the row is written.
CREATE OR REPLACE FUNCTION cap_refused(p_kind text, p_owner text, p_detail text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = onramp, pg_temp AS $$
DECLARE
    k cap_counters%ROWTYPE;
BEGIN
    SELECT * INTO k FROM cap_counters WHERE kind = p_kind AND owner = p_owner FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM cap_begin(p_kind, p_owner);
        SELECT * INTO k FROM cap_counters WHERE kind = p_kind AND owner = p_owner FOR NO KEY UPDATE;
    END IF;
    IF k.used >= k.most THEN
        PERFORM cap_clear(p_kind, p_owner);
        SELECT * INTO k FROM cap_counters WHERE kind = p_kind AND owner = p_owner;
    END IF;
    IF k.used < k.most THEN
        RETURN NULL;
    END IF;
    RETURN jsonb_build_object('detail', format(p_detail, k.used, k.most), 'limit', k.most,
                              'used', k.used, 'scope', split_part(p_owner, ':', 1));
END
$$;
COMMENT ON FUNCTION cap_refused IS
    'Whether an owner may have one more: null, or the facts of a refusal; p_detail is the format of '
    'its sentence, for what is used and the cap.';
