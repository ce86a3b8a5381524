-- Charges summed by UTC day and everything that money is asked for by, so that a year of bills is read in one go.
-- A charge over several days is in each of them, by seconds; the parts add up to it exactly.
CREATE TABLE IF NOT EXISTS charge_days
(
    batch LowCardinality(String),
    day Date CODEC(Delta(2), ZSTD(1)),
    service LowCardinality(String),
    environment LowCardinality(String),
    billing_currency LowCardinality(String),
    charge_category LowCardinality(String),
    provider_name LowCardinality(String),
    service_category LowCardinality(String),
    service_name LowCardinality(String),
    region_id LowCardinality(String),
    sub_account_id LowCardinality(String),
    sub_account_name LowCardinality(String),
    tags LowCardinality(String),
    written_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1)),
    billed_cost Decimal(76, 18) CODEC(ZSTD(1)),
    effective_cost Decimal(76, 18) CODEC(ZSTD(1)),
    charges UInt64 CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYear(day)
ORDER BY (batch, service, environment, day)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
