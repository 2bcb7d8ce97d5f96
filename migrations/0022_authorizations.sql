-- SPDX-License-Identifier: Apache-2.0
-- Connections that two customers share: what each sees of them.

-- Who acts on another customer's circuit is the VNet's owner; the circuit's owner sees that it was,
-- and operators see who. A table beside the events, not a column of theirs: such events are few.
CREATE TABLE acts_of_vnet_owners (
    -- No foreign key: written beside its event, under the circuit's lock; events are never deleted.
    circuit_id uuid NOT NULL,
    sequence bigint NOT NULL,
    customer_id uuid NOT NULL CONSTRAINT an_act_is_a_customers REFERENCES customers,
    CONSTRAINT an_event_has_one_actor PRIMARY KEY (circuit_id, sequence)
);
COMMENT ON TABLE acts_of_vnet_owners IS
    'Events whose actor owns the VNet and not the circuit. Rows are never changed or deleted.';
COMMENT ON COLUMN acts_of_vnet_owners.circuit_id IS 'The circuit of the event.';
COMMENT ON COLUMN acts_of_vnet_owners.sequence IS 'The number of the event.';
COMMENT ON COLUMN acts_of_vnet_owners.customer_id IS 'The owner of the VNet, who acted.';
CREATE TRIGGER an_act_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON acts_of_vnet_owners
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('what somebody did is never changed or deleted');

CREATE OR REPLACE VIEW connection_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, k.id, k.circuit_id, k.vnet_id,
       CASE WHEN c.provider_status = 'Provisioned' AND c.circuit_status = 'Enabled'
            THEN 'Connected' ELSE 'Down' END AS status,
       k.authorization_id, k.created_at,
       to_jsonb(v.address_space) AS address_space, c.peering_location, c.bandwidth_mbps
FROM connections k
JOIN circuits c ON c.id = k.circuit_id
JOIN vnets v ON v.id = k.vnet_id;

-- The key is kept as it is, as service keys are: its owner reads it again in lists, it opens
-- nothing but one connection to one circuit, and it is void as soon as it is deleted.
CREATE VIEW authorization_view AS
SELECT 'ok'::text AS outcome, NULL::jsonb AS facts, a.id, a.name::text AS name, a.authorization_key,
       CASE WHEN k.id IS NULL THEN 'Available' ELSE 'InUse' END AS status,
       k.id AS connection_id, a.created_at
FROM authorizations a LEFT JOIN connections k ON k.authorization_id = a.id;
COMMENT ON VIEW authorization_view IS 'An authorization, as answered.';
COMMENT ON COLUMN authorization_view.outcome IS '''ok'', or the code of a refusal.';
COMMENT ON COLUMN authorization_view.facts IS 'Members of the problem answer to a refusal.';
