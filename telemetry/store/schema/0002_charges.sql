-- Charges of imported bills, in the words of FOCUS. A batch is one file; which batches count is decided outside
-- (a batch that was cut off half way is never named), so rows need no transaction.
CREATE TABLE IF NOT EXISTS charges
(
    batch LowCardinality(String),
    service LowCardinality(String),
    environment LowCardinality(String),
    written_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1)),
    row UInt32 CODEC(Delta(4), ZSTD(1)),
    billing_account_id LowCardinality(String),
    billing_currency LowCardinality(String),
    billing_period_start DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    billing_period_end DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    charge_period_start DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    charge_period_end DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    charge_category LowCardinality(String),
    charge_class LowCardinality(String),
    charge_description String CODEC(ZSTD(1)),
    charge_frequency LowCardinality(String),
    billed_cost Decimal(38, 18) CODEC(ZSTD(1)),
    effective_cost Decimal(38, 18) CODEC(ZSTD(1)),
    list_cost Nullable(Decimal(38, 18)) CODEC(ZSTD(1)),
    contracted_cost Nullable(Decimal(38, 18)) CODEC(ZSTD(1)),
    pricing_quantity Nullable(Decimal(38, 18)) CODEC(ZSTD(1)),
    pricing_unit LowCardinality(String),
    consumed_quantity Nullable(Decimal(38, 18)) CODEC(ZSTD(1)),
    consumed_unit LowCardinality(String),
    provider_name LowCardinality(String),
    region_id LowCardinality(String),
    resource_id String CODEC(ZSTD(1)),
    resource_name String CODEC(ZSTD(1)),
    resource_type LowCardinality(String),
    service_category LowCardinality(String),
    service_name LowCardinality(String),
    sku_id String CODEC(ZSTD(1)),
    sub_account_id LowCardinality(String),
    sub_account_name LowCardinality(String),
    tags String CODEC(ZSTD(1)),
    extra String CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYear(charge_period_start)
ORDER BY (service, environment, charge_period_start, batch)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
