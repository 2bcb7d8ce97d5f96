-- SPDX-License-Identifier: Apache-2.0
-- Null leaves what is there. p_tags is a merge patch (RFC 7396) of the tags: null members go, and a
-- JSON null takes all of them away. Whatever is wrong with the request is said at once; then the
-- limit.
CREATE OR REPLACE FUNCTION circuit_update(p_caller caller, p_id uuid, p_customer uuid, p_name text,
                                          p_bandwidth_mbps int, p_tier text, p_family text,
                                          p_tags jsonb)
RETURNS SETOF circuit_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    r circuit_view;
    c circuits%ROWTYPE;
    v_name text;
    v_bandwidth integer;
    v_tier text;
    v_family text;
    v_tags jsonb;
    v_bandwidths integer[];
    v_limit smallint;
    v_errors jsonb := '[]';
    v_now timestamptz;
BEGIN
    SELECT * INTO c FROM circuit_lock(p_id, p_customer);
    IF NOT FOUND THEN
        r.outcome := 'not_found';
        RETURN NEXT r;
        RETURN;
    END IF;

    v_name := coalesce(p_name, c.name);
    v_bandwidth := coalesce(p_bandwidth_mbps, c.bandwidth_mbps);
    v_tier := coalesce(p_tier, c.sku_tier);
    v_family := coalesce(p_family, c.sku_family);
    v_tags := CASE
        WHEN p_tags IS NULL THEN c.tags
        WHEN p_tags = 'null' THEN '{}'
        ELSE (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(c.tags || p_tags)
              WHERE value <> 'null')
    END;

    -- The outcome is that of the last one that applies, the errors are all of them.
    IF (SELECT count(*) > 50 FROM jsonb_object_keys(v_tags)) THEN
        r.outcome := 'invalid_request';
        v_errors := v_errors || jsonb_build_object('pointer', '/tags', 'code', 'out_of_range',
            'detail', 'A circuit has at most 50 tags; remove some.');
    END IF;
    IF v_bandwidth > c.bandwidth_mbps THEN
        SELECT bandwidths_mbps INTO v_bandwidths
        FROM offers WHERE partner = c.partner AND peering_location = c.peering_location;
        IF v_bandwidths IS NULL OR v_bandwidth <> ALL (v_bandwidths) THEN
            r.outcome := 'not_offered';
            v_errors := v_errors || jsonb_build_object('pointer', '/bandwidthMbps', 'code',
                'invalid_value',
                'detail', CASE WHEN v_bandwidths IS NULL
                               THEN format('%s offers nothing at %s any more.', c.partner,
                                   c.peering_location)
                               ELSE format('At %s %s offers %s Mbps.', c.peering_location,
                                   c.partner,
                                           array_to_string(v_bandwidths, ', ')) END);
        END IF;
    ELSIF v_bandwidth < c.bandwidth_mbps THEN
        r.outcome := 'bandwidth_decrease';
        v_errors := v_errors || jsonb_build_object('pointer', '/bandwidthMbps', 'code',
            'out_of_range',
            'detail', format('It is %s Mbps and can only rise.', c.bandwidth_mbps));
    END IF;
    IF v_tier <> c.sku_tier AND 'Local' IN (v_tier, c.sku_tier) THEN
        r.outcome := 'immutable_field';
        v_errors := v_errors || jsonb_build_object('pointer', '/sku/tier', 'code', 'invalid_value',
            'detail', format('A circuit does not change from %s to %s; Standard and Premium change '
                'into each other.',
                             c.sku_tier, v_tier));
    END IF;
    IF v_family <> c.sku_family AND v_family <> 'UnlimitedData' THEN
        r.outcome := 'immutable_field';
        v_errors := v_errors || jsonb_build_object('pointer', '/sku/family', 'code',
            'invalid_value',
            'detail', 'UnlimitedData does not change back to MeteredData.');
    END IF;
    IF r.outcome IS NOT NULL THEN
        r.facts := jsonb_build_object('errors', v_errors);
        RETURN NEXT r;
        RETURN;
    END IF;

    v_limit := c.vnet_limit;
    IF (v_tier, v_bandwidth) IS DISTINCT FROM (c.sku_tier, c.bandwidth_mbps) THEN
        -- Locked, so that the limit is still this one when the foreign key looks.
        SELECT vnets INTO STRICT v_limit FROM vnet_limits
        WHERE tier = v_tier AND bandwidth_mbps = v_bandwidth
        FOR KEY SHARE;
        IF c.used > v_limit THEN
            r.outcome := 'circuit_vnet_limit_reached';
            r.facts := jsonb_build_object(
                'detail', format('%s of %s Mbps goes with %s VNets at most, and %s are connected; '
                    'delete connections first.',
                                 v_tier, v_bandwidth, v_limit, c.used),
                'limit', v_limit, 'used', c.used, 'scope', 'circuit');
            RETURN NEXT r;
            RETURN;
        END IF;
    END IF;

    IF (v_name, v_bandwidth, v_tier, v_family, v_tags)
       IS DISTINCT FROM (c.name::text, c.bandwidth_mbps, c.sku_tier, c.sku_family::text,
           c.tags::jsonb)
    THEN
        v_now := clock_timestamp();
        WITH circuit AS (
            UPDATE circuits
            SET name = v_name, bandwidth_mbps = v_bandwidth, sku_tier = v_tier,
                sku_family = v_family, tags = v_tags, vnet_limit = v_limit,
                last_sequence = last_sequence + 1, previous_status = provider_status,
                updated_at = v_now
            WHERE id = p_id
            RETURNING id, last_sequence, provider_status)
        INSERT INTO circuit_events (circuit_id, sequence, at, type, from_status, to_status,
            actor_role, actor_name)
        SELECT id, last_sequence, v_now, 'circuit.updated', provider_status, provider_status,
            p_caller.role, p_caller.actor
        FROM circuit;
    END IF;
    RETURN QUERY SELECT * FROM circuit_view WHERE id = p_id;
END
$$;
COMMENT ON FUNCTION circuit_update IS
    'Change a circuit''s name, tags, bandwidth (up) or SKU, as far as it changes.';
GRANT EXECUTE ON FUNCTION circuit_update TO onramp_daemon;
