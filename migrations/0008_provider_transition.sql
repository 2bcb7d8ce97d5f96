-- SPDX-License-Identifier: Apache-2.0
-- The graph of provider status, as data: one row a cell of the table that partners are promised,
-- one row a kind of event of our own. Histories refer to it, so that nothing can happen to a
-- circuit that is not here.

CREATE TABLE provider_transition (
    from_status text COLLATE "C" NOT NULL
        CONSTRAINT a_circuit_leaves_a_known_status
        CHECK (from_status IN ('NotProvisioned', 'Provisioning', 'Provisioned', 'Deprovisioning')),
    event text COLLATE "C" NOT NULL,
    by_partner boolean NOT NULL,
    deprovision_requested boolean,
    effect text NOT NULL
        CONSTRAINT an_effect_is_known CHECK (effect IN ('moves', 'stays', 'already', 'refused')),
    to_status text COLLATE "C"
        CONSTRAINT a_circuit_reaches_a_known_status
        CHECK (to_status IN ('NotProvisioned', 'Provisioning', 'Provisioned', 'Deprovisioning')),
    sentence text NOT NULL,
    CONSTRAINT an_effect_says_where_it_leads
        CHECK (CASE effect
                   WHEN 'moves' THEN to_status IS NOT NULL AND to_status <> from_status
                   WHEN 'stays' THEN to_status IS NOT NULL AND to_status = from_status
                   ELSE to_status IS NULL
               END),
    CONSTRAINT a_cell_is_decided_once
        UNIQUE NULLS NOT DISTINCT (from_status, event, deprovision_requested),
    -- What events refer to. Cells that are refused or already so have no to_status: no event fits.
    CONSTRAINT an_edge_can_be_referred_to UNIQUE (from_status, event, to_status)
);
COMMENT ON TABLE provider_transition IS
    'What each event does to a circuit in each provider status, with the sentence that is shown '
    'and logged.';
COMMENT ON COLUMN provider_transition.from_status IS 'The status that the circuit stands at.';
COMMENT ON COLUMN provider_transition.event IS 'The type of the event.';
COMMENT ON COLUMN provider_transition.by_partner IS
    'Whether partners (or an operator in their place) send it; the others are ours.';
COMMENT ON COLUMN provider_transition.deprovision_requested IS
    'Holds only while a deprovision request is open (true) or not (false); null: either.';
COMMENT ON COLUMN provider_transition.effect IS
    'moves: to another status. stays: recorded. already: nothing left to do. refused: illegal '
    'here.';
COMMENT ON COLUMN provider_transition.to_status IS
    'The status afterwards; null when there is no event.';
COMMENT ON COLUMN provider_transition.sentence IS 'What happened, or why it can''t.';

INSERT INTO provider_transition
    (event, from_status, effect, to_status, deprovision_requested, sentence, by_partner)
SELECT *, true FROM (VALUES
('circuit.provisioning',   'NotProvisioned', 'moves',   'Provisioning',   NULL::boolean,
    'The partner has begun to build the circuit.'),
('circuit.provisioning',   'Provisioning',   'already', NULL,             NULL,
    'The partner is building the circuit already.'),
('circuit.provisioning',   'Provisioned',    'refused', NULL,             NULL,
    'The circuit is provisioned; building can''t begin again before it is deprovisioned.'),
('circuit.provisioning',   'Deprovisioning', 'refused', NULL,             NULL,
    'The circuit is being torn down; building can''t begin before that is done.'),

('circuit.provisioned',    'NotProvisioned', 'moves',   'Provisioned',    NULL,
    'The partner has built the circuit.'),
('circuit.provisioned',    'Provisioning',   'moves',   'Provisioned',    NULL,
    'The partner has built the circuit.'),
('circuit.provisioned',    'Provisioned',    'already', NULL,             NULL,
    'The circuit is provisioned already.'),
('circuit.provisioned',    'Deprovisioning', 'refused', NULL,             NULL,
    'The circuit is being torn down; it can''t be provisioned before that is done.'),

('circuit.rejected',       'NotProvisioned', 'stays',   'NotProvisioned', NULL,
    'The partner has rejected the order.'),
('circuit.rejected',       'Provisioning',   'moves',   'NotProvisioned', NULL,
    'The partner has given up building the circuit.'),
('circuit.rejected',       'Provisioned',    'stays',   'Provisioned',    true,
    'The partner has rejected the request to deprovision.'),
('circuit.rejected',       'Provisioned',    'refused', NULL,             false,
    'The circuit is provisioned and nobody asked for anything; there is nothing to reject.'),
('circuit.rejected',       'Deprovisioning', 'refused', NULL,             NULL,
    'The circuit is being torn down; that can''t be rejected any more.'),

('circuit.deprovisioning', 'NotProvisioned', 'refused', NULL,             NULL,
    'The circuit is not provisioned; there is nothing to tear down.'),
('circuit.deprovisioning', 'Provisioning',   'refused', NULL,             NULL,
    'The circuit is not provisioned yet; reject it, or report it deprovisioned.'),
('circuit.deprovisioning', 'Provisioned',    'moves',   'Deprovisioning', NULL,
    'The partner has begun to tear the circuit down.'),
('circuit.deprovisioning', 'Deprovisioning', 'already', NULL,             NULL,
    'The partner is tearing the circuit down already.'),

('circuit.deprovisioned',  'NotProvisioned', 'already', NULL,             NULL,
    'The circuit is not provisioned already.'),
('circuit.deprovisioned',  'Provisioning',   'moves',   'NotProvisioned', NULL,
    'The partner has torn down what it had built.'),
('circuit.deprovisioned',  'Provisioned',    'moves',   'NotProvisioned', NULL,
    'The partner has torn the circuit down.'),
('circuit.deprovisioned',  'Deprovisioning', 'moves',   'NotProvisioned', NULL,
    'The partner has torn the circuit down.'),

('circuit.progress',       'NotProvisioned', 'stays',   'NotProvisioned', NULL,
    'The partner has reported on its progress.'),
('circuit.progress',       'Provisioning',   'stays',   'Provisioning',   NULL,
    'The partner has reported on its progress.'),
('circuit.progress',       'Provisioned',    'stays',   'Provisioned',    NULL,
    'The partner has reported on the circuit.'),
('circuit.progress',       'Deprovisioning', 'stays',   'Deprovisioning', NULL,
    'The partner has reported on its progress.')
) AS cells;

-- Our own events move nothing: edges from a status to itself.
INSERT INTO provider_transition (event, from_status, effect, to_status, sentence, by_partner)
SELECT event, status, 'stays', status, sentence, false
-- In which statuses; null: in all of them.
FROM (VALUES
('circuit.created',                ARRAY['NotProvisioned'], 'The circuit was ordered.'),
('circuit.updated',                NULL, 'The circuit was changed.'),
('circuit.deprovision_requested',  ARRAY['Provisioning', 'Provisioned'],
    'The customer asked the partner to tear the circuit down.'),
('circuit.deprovision_withdrawn',  ARRAY['Provisioning', 'Provisioned'],
    'The customer withdrew the request to tear the circuit down.'),
('circuit.disabled',               NULL, 'The operator disabled the circuit.'),
('circuit.enabled',                NULL, 'The operator enabled the circuit.'),
('circuit.deleted',                ARRAY['NotProvisioned'], 'The circuit was deleted.'),
('circuit.stalled',                NULL, 'The partner has let its deadline pass.'),
('circuit.service_key_rotated',    ARRAY['NotProvisioned'],
    'The service key was replaced; the old one is void.'),
('connection.created',             NULL, 'A VNet was connected.'),
('connection.deleted',             NULL, 'A VNet was disconnected.'),
('connection.down',                NULL, 'A connection went down with its circuit.'),
('connection.up',                  ARRAY['Provisioned'], 'A connection came up with its circuit.')
) AS own (event, statuses, sentence),
unnest(coalesce(statuses, ARRAY['NotProvisioned', 'Provisioning', 'Provisioned', 'Deprovisioning']))
    AS status;

-- From here on the graph changes by migration alone. INSERT too: a new edge is a new legal move.
CREATE TRIGGER the_graph_changes_by_migration_alone
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON provider_transition
    FOR EACH STATEMENT
        EXECUTE FUNCTION refuse('the graph of provider status changes by migration alone');
