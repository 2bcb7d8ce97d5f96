-- SPDX-License-Identifier: Apache-2.0
-- The limit data: how many VNets a circuit may be connected to; and the settings that the
-- database has to know of.

CREATE TABLE vnet_limits (
    tier text COLLATE "C" NOT NULL
        CONSTRAINT a_tier_is_known CHECK (tier IN ('Local', 'Standard', 'Premium')),
    bandwidth_mbps integer NOT NULL
        CONSTRAINT a_bandwidth_is_known
        CHECK (bandwidth_mbps IN (50, 100, 200, 500, 1000, 2000, 5000, 10000)),
    vnets smallint NOT NULL,
    PRIMARY KEY (tier, bandwidth_mbps),
    -- What the limit column of circuits refers to: only a change of this table changes that one.
    CONSTRAINT a_limit_can_be_referred_to UNIQUE (tier, bandwidth_mbps, vnets),
    CONSTRAINT only_premium_goes_above_10_vnets
        CHECK (vnets BETWEEN 1 AND CASE tier WHEN 'Premium' THEN 100 ELSE 10 END)
);
COMMENT ON TABLE vnet_limits IS
    'VNets a circuit, by tier and bandwidth. Operators may raise Premium above 10.';
COMMENT ON COLUMN vnet_limits.tier IS 'SKU tier.';
COMMENT ON COLUMN vnet_limits.bandwidth_mbps IS 'Bandwidth in Mbps.';
COMMENT ON COLUMN vnet_limits.vnets IS 'The most VNets that one such circuit may be connected to.';

INSERT INTO vnet_limits (tier, bandwidth_mbps, vnets)
SELECT tier, bandwidth, 10
FROM unnest(ARRAY['Local', 'Standard', 'Premium']) AS tier,
     unnest(ARRAY[50, 100, 200, 500, 1000, 2000, 5000, 10000]) AS bandwidth;

CREATE TRIGGER a_limit_stays_with_its_tier_and_bandwidth BEFORE UPDATE ON vnet_limits
    FOR EACH ROW EXECUTE FUNCTION keep('a limit stays with its tier and bandwidth',
        'tier', 'bandwidth_mbps');

CREATE TABLE settings (
    -- The key admits one value, so that there is one row.
    only_row boolean PRIMARY KEY DEFAULT true
        CONSTRAINT there_is_one_row_of_settings CHECK (only_row),
    partner_patience interval NOT NULL DEFAULT '72 hours'
        CONSTRAINT the_patience_with_partners_is_positive CHECK (partner_patience > interval '0'),
    feed_retention interval NOT NULL DEFAULT '30 days'
        CONSTRAINT the_feed_is_kept_for_some_time CHECK (feed_retention > interval '0'),
    -- Null: for ever. Longer than the feed, whose rows lead to events.
    event_retention interval
        CONSTRAINT the_history_is_kept_longer_than_the_feed
        CHECK (event_retention >= feed_retention + interval '1 day')
);
INSERT INTO settings DEFAULT VALUES;
COMMENT ON TABLE settings IS 'What the database has to know of the configuration; one row.';
COMMENT ON COLUMN settings.only_row IS 'Always true.';
COMMENT ON COLUMN settings.partner_patience IS
    'How long a circuit may wait on its partner, when the partner named no date, before it is '
    'stalled.';
COMMENT ON COLUMN settings.feed_retention IS 'How long events stay in the feed.';
COMMENT ON COLUMN settings.event_retention IS
    'How long histories of circuits are kept; null: for ever.';
-- Without the row every rule that asks it for a time would hold of nothing.
CREATE TRIGGER the_settings_are_never_deleted BEFORE DELETE OR TRUNCATE ON settings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('the settings are changed, not deleted');
