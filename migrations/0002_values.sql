-- SPDX-License-Identifier: Apache-2.0
-- What single values look like, and how a guard refuses.

\ir functions/uuid_v7.sql

-- What a single value may look like is said by domains, not by CHECKs on the tables: PostgreSQL
-- reads every CHECK of a table (and every WHEN of its triggers) anew in each statement that writes
-- a row, 3-3.5 us apiece, whatever columns it sets; a domain is looked at when a value of it is
-- made. Tables keep as CHECK what is a rule about the row and must hold by itself: the limits above
-- all.
CREATE DOMAIN display_name AS text
    CONSTRAINT a_name_has_1_to_80_characters CHECK (char_length(VALUE) BETWEEN 1 AND 80);
COMMENT ON DOMAIN display_name IS 'A name that people give and read.';
CREATE DOMAIN remark AS text
    CONSTRAINT a_remark_has_1000_characters_at_most CHECK (char_length(VALUE) <= 1000);
COMMENT ON DOMAIN remark IS 'A note or a reason.';
CREATE DOMAIN label AS text
    CONSTRAINT a_label_has_120_characters_at_most CHECK (char_length(VALUE) <= 120);
COMMENT ON DOMAIN label IS 'A port, a reference.';
CREATE DOMAIN tags AS jsonb
    CONSTRAINT tags_are_an_object CHECK (jsonb_typeof(VALUE) = 'object');
COMMENT ON DOMAIN tags IS 'Labels of the customer''s: an object of texts.';
CREATE DOMAIN digest AS bytea
    CONSTRAINT a_digest_has_32_octets CHECK (length(VALUE) = 32);
COMMENT ON DOMAIN digest IS 'A SHA-256.';
CREATE DOMAIN webhook_id AS text COLLATE "C"
    CONSTRAINT a_webhook_id_has_1_to_256_characters CHECK (char_length(VALUE) BETWEEN 1 AND 256);
COMMENT ON DOMAIN webhook_id IS 'The header webhook-id of a callback.';
CREATE DOMAIN vlan AS smallint
    CONSTRAINT a_vlan_is_1_to_4094 CHECK (VALUE BETWEEN 1 AND 4094);
COMMENT ON DOMAIN vlan IS 'A VLAN identifier (IEEE 802.1Q).';
CREATE DOMAIN actor AS text COLLATE "C"
    CONSTRAINT an_actor_is_known CHECK (VALUE IN ('customer', 'partner', 'operator', 'system'));
COMMENT ON DOMAIN actor IS 'The role of who did something.';
CREATE DOMAIN circuit_switch AS text COLLATE "C"
    CONSTRAINT a_circuit_is_enabled_or_disabled CHECK (VALUE IN ('Enabled', 'Disabled'));
COMMENT ON DOMAIN circuit_switch IS 'The operator''s switch on a circuit.';
CREATE DOMAIN billing_family AS text COLLATE "C"
    CONSTRAINT a_family_is_known CHECK (VALUE IN ('MeteredData', 'UnlimitedData'));
COMMENT ON DOMAIN billing_family IS 'How a circuit''s traffic is billed.';
CREATE DOMAIN address_space AS cidr[]
    CONSTRAINT an_address_space_has_1_to_16_prefixes
    CHECK (array_ndims(VALUE) = 1 AND cardinality(VALUE) BETWEEN 1 AND 16);
COMMENT ON DOMAIN address_space IS 'The prefixes of a VNet.';
CREATE DOMAIN gateway_subnet AS cidr
    CONSTRAINT a_gateway_subnet_is_28_or_larger CHECK (masklen(VALUE) <= 28);
COMMENT ON DOMAIN gateway_subnet IS 'The subnet of a VNet''s gateway.';
CREATE DOMAIN webhook_url AS text
    CONSTRAINT a_url_has_1_to_2048_characters CHECK (char_length(VALUE) BETWEEN 1 AND 2048);
COMMENT ON DOMAIN webhook_url IS 'Where an endpoint is; it may hold a password of its owner''s.';
CREATE DOMAIN event_filter AS text[]
    CONSTRAINT a_filter_has_1_to_50_patterns
    CHECK (array_ndims(VALUE) = 1 AND cardinality(VALUE) BETWEEN 1 AND 50);
COMMENT ON DOMAIN event_filter IS
    'Types of events: each by its name, or all that begin alike (circuit.*), or * for all.';
CREATE DOMAIN delivery_status AS text COLLATE "C"
    CONSTRAINT a_delivery_has_a_known_status
    CHECK (VALUE IN ('pending', 'delivered', 'exhausted'));
COMMENT ON DOMAIN delivery_status IS 'What has become of a delivery.';
-- Stands for "no limit": columns that are compared and referred to, without null.
CREATE DOMAIN quota AS integer NOT NULL DEFAULT 2147483647
    CONSTRAINT a_quota_is_not_negative CHECK (VALUE >= 0);
COMMENT ON DOMAIN quota IS 'The most there may be of something; 2147483647: no limit.';

-- Guards refuse what no CHECK can see. refuse() refuses a whole verb (TRUNCATE, DELETE) with the
-- trigger's argument as reason. Columns are guarded row by row: a trigger of a statement with a list
-- of columns fires once for each query and table, by the columns of whichever UPDATE comes first
-- in it, so that a second UPDATE in the same query (a CTE, an ON CONFLICT DO UPDATE) passes it; a
-- trigger of rows sees every row that is written, however the statement came to it. keep() guards
-- columns that never change. Tables with more rules have one function with all of them: it costs
-- 2 us, where four triggers with a WHEN each cost 57.
\ir functions/refuse.sql
\ir functions/refused.sql
\ir functions/keep.sql
