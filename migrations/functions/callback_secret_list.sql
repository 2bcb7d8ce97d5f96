-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION callback_secret_list(p_partner text)
RETURNS SETOF callback_secret_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT v.*
    FROM callback_secrets s JOIN callback_secret_view v ON v.id = s.id
    WHERE s.partner = p_partner AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())
    ORDER BY s.created_at DESC, s.id DESC;
END
$$;
COMMENT ON FUNCTION callback_secret_list IS 'The live callback secrets of a partner, newest first.';
GRANT EXECUTE ON FUNCTION callback_secret_list TO onramp_daemon;
