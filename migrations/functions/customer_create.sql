-- SPDX-License-Identifier: Apache-2.0
CREATE OR REPLACE FUNCTION customer_create(p_caller caller, p_name text)
RETURNS SETOF customer_view
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = onramp, pg_temp AS $$
DECLARE
    v_id uuid;
BEGIN
    INSERT INTO customers (name) VALUES (p_name) RETURNING id INTO v_id;
    RETURN QUERY SELECT * FROM customer_view WHERE id = v_id;
END
$$;
COMMENT ON FUNCTION customer_create IS 'Create a customer.';
GRANT EXECUTE ON FUNCTION customer_create TO onramp_daemon;
