-- SPDX-License-Identifier: Apache-2.0
-- Internal: a circuit as partner_circuit_view shows it, under what a callback came to. An expression,
-- which costs less than a look at the view.
CREATE OR REPLACE FUNCTION callback_shown(p_circuit circuits, p_reason text,
                                          p_newest_timestamp timestamptz)
RETURNS callback_view
LANGUAGE sql IMMUTABLE
RETURN ROW('ok', NULL::jsonb, p_reason = 'applied', p_reason, p_newest_timestamp,
           (p_circuit).id, (p_circuit).service_key, (p_circuit).peering_location,
           (p_circuit).bandwidth_mbps, (p_circuit).sku_tier, (p_circuit).sku_family,
           (p_circuit).circuit_status, (p_circuit).provider_status, (p_circuit).waiting_on,
           (p_circuit).since, (p_circuit).stalled, (p_circuit).deprovision_requested_at,
           (p_circuit).last_rejection, (p_circuit).partner_note, (p_circuit).partner_reference,
           (p_circuit).expected_by, (p_circuit).primary_port, (p_circuit).secondary_port,
           (p_circuit).s_tag, (p_circuit).key_quoted_at, (p_circuit).last_sequence);
COMMENT ON FUNCTION callback_shown IS 'What a callback came to, and its circuit, as answered.';
