-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION partner_circuit_list(p_partner text, p_after uuid, p_limit int,
                                                p_provider_status text)
RETURNS SETOF partner_circuit_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    v_after uuid := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
BEGIN
    IF p_provider_status IS NULL THEN
        -- Four ordered scans merged, so that what it does not see is not read past.
        RETURN QUERY SELECT v.*
        FROM ((SELECT id FROM circuits
               WHERE partner = p_partner AND shown_as = 'NotProvisioned' AND deleted_at IS NULL
                     AND id > v_after
               ORDER BY id NULLS FIRST LIMIT p_limit + 1)
              UNION ALL
              (SELECT id FROM circuits
               WHERE partner = p_partner AND shown_as = 'Provisioning' AND deleted_at IS NULL
                     AND id > v_after
               ORDER BY id NULLS FIRST LIMIT p_limit + 1)
              UNION ALL
              (SELECT id FROM circuits
               WHERE partner = p_partner AND shown_as = 'Provisioned' AND deleted_at IS NULL
                     AND id > v_after
               ORDER BY id NULLS FIRST LIMIT p_limit + 1)
              UNION ALL
              (SELECT id FROM circuits
               WHERE partner = p_partner AND shown_as = 'Deprovisioning' AND deleted_at IS NULL
                     AND id > v_after
               ORDER BY id NULLS FIRST LIMIT p_limit + 1)
              ORDER BY id NULLS FIRST LIMIT p_limit + 1) AS page
        JOIN partner_circuit_view v ON v.id = page.id
        ORDER BY v.id;
    ELSE
        RETURN QUERY SELECT v.*
        FROM (SELECT id FROM circuits
              WHERE partner = p_partner AND shown_as = p_provider_status AND deleted_at IS NULL
                    AND id > v_after
              ORDER BY id NULLS FIRST LIMIT p_limit + 1) AS page
        JOIN partner_circuit_view v ON v.id = page.id
        ORDER BY v.id;
    END IF;
END
$$;
COMMENT ON FUNCTION partner_circuit_list IS
    'List the circuits whose key the partner has quoted, by id, from after p_after on; one more '
    'than p_limit.';
GRANT EXECUTE ON FUNCTION partner_circuit_list TO onramp_daemon;
