-- SPDX-License-Identifier: Apache-2.0
-- Null leaves what is there. p_tags is a merge patch (RFC 7396) of the tags: null members go, and a
-- JSON null takes all of them away.
CREATE OR REPLACE FUNCTION vnet_update(p_caller caller, p_id uuid, p_customer uuid, p_name text,
                                       p_address_space cidr[], p_tags jsonb)
RETURNS SETOF vnet_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r vnet_view;
    v vnets%ROWTYPE;
    v_name text;
    v_space cidr[];
    v_tags jsonb;
    v_errors jsonb;
BEGIN
    SELECT * INTO v FROM vnet_lock(p_id, p_customer);
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;

    v_name := coalesce(p_name, v.name);
    v_space := coalesce(p_address_space, v.address_space);
    v_tags := CASE
        WHEN p_tags IS NULL THEN v.tags
        WHEN p_tags = 'null' THEN '{}'
        ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(v.tags || p_tags)
              WHERE value <> 'null')
    END;

    IF v_space <> v.address_space THEN
        -- Another order of the same prefixes is no other address space.
        IF v.used > 0 AND NOT (v_space @> v.address_space AND v_space <@ v.address_space) THEN
            r.outcome := 'vnet_in_use';
            r.facts := vnet_blockers(p_id,
                'A connected VNet keeps its address space; delete its connections first.');
            RETURN NEXT r;
            RETURN;
        END IF;
        v_errors := vnet_faults(v_space);
        IF v_errors IS NULL AND NOT v.gateway_subnet::inet <<= ANY (v_space::inet[]) THEN
            v_errors := jsonb_build_array(jsonb_build_object(
                'pointer', '/addressSpace', 'code', 'invalid_value',
                'detail', format('The gateway''s subnet %s would lie outside; '
                                 'delete or move the gateway first.', v.gateway_subnet)));
        END IF;
    END IF;
    IF (SELECT count(*) > 50 FROM jsonb_object_keys(v_tags)) THEN
        v_errors := coalesce(v_errors, '[]') || jsonb_build_object(
            'pointer', '/tags', 'code', 'out_of_range',
            'detail', 'A VNet has at most 50 tags; remove some.');
    END IF;
    IF v_errors IS NOT NULL THEN
        r.outcome := 'invalid_request';
        r.facts := jsonb_build_object('errors', v_errors);
        RETURN NEXT r;
        RETURN;
    END IF;

    IF (v_name, v_space, v_tags) IS DISTINCT FROM (v.name, v.address_space, v.tags) THEN
        UPDATE vnets
        SET name = v_name, address_space = v_space, tags = v_tags, version = version + 1,
            updated_at = clock_timestamp()
        WHERE id = p_id;
    END IF;
    RETURN QUERY SELECT * FROM vnet_view WHERE id = p_id;
END
$$;
COMMENT ON FUNCTION vnet_update IS
    'Change a VNet''s name, tags or, while it is not connected, address space.';
GRANT EXECUTE ON FUNCTION vnet_update TO onramp_daemon;
