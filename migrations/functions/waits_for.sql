-- SPDX-License-Identifier: Apache-2.0
-- Whom a circuit waits for. The one place of this rule: the column waiting_on is kept by it alone.
-- Quoted: the partner has shown that it holds the key. Returned: the partner rejected the order or
-- reported it deprovisioned, and has said nothing since.
CREATE OR REPLACE FUNCTION waits_for(
    circuit_status text, provider_status text, deprovision_requested boolean, quoted boolean,
    returned boolean, deleted boolean)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN deleted THEN 'nobody'
    WHEN circuit_status = 'Disabled' THEN 'operator'
    WHEN deprovision_requested OR provider_status IN ('Provisioning', 'Deprovisioning')
        THEN 'partner'
    WHEN provider_status = 'Provisioned' THEN 'nobody'
    WHEN quoted AND NOT returned THEN 'partner'
    ELSE 'customer'
END;
COMMENT ON FUNCTION waits_for(text, text, boolean, boolean, boolean, boolean) IS
    'Whom a circuit waits for: customer, partner, operator or nobody.';
