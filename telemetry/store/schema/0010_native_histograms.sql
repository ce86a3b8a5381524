-- Native histogram samples. Their series stand in `series` beside those of float samples.
-- The row written last wins among rows of one (series, timestamp).
CREATE TABLE IF NOT EXISTS histogram_samples
(
    metric LowCardinality(String),
    series UInt64 CODEC(ZSTD(1)),
    timestamp DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    bucket_schema Int8 CODEC(ZSTD(1)),
    reset_hint UInt8 CODEC(ZSTD(1)),
    count Float64 CODEC(Delta(8), ZSTD(1)),
    sum Float64 CODEC(ZSTD(1)),
    zero_threshold Float64 CODEC(ZSTD(1)),
    zero_count Float64 CODEC(ZSTD(1)),
    positive_indices Array(Int32) CODEC(ZSTD(1)),
    positive_counts Array(Float64) CODEC(ZSTD(1)),
    negative_indices Array(Int32) CODEC(ZSTD(1)),
    negative_counts Array(Float64) CODEC(ZSTD(1)),
    custom_bounds Array(Float64) CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (metric, series, timestamp)
SETTINGS ttl_only_drop_parts = 1, merge_selector_base = 20;

-- Metrics that have such samples: a query of any other does not look for them.
CREATE TABLE IF NOT EXISTS histogram_metrics (metric String) ENGINE = ReplacingMergeTree ORDER BY metric;
