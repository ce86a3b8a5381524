-- Samples, their series, log records and their streams.
-- Every statement may run twice: a schema file that was cut off half way is simply run again.
-- merge_selector_base = 20: group commits make many small parts; merging more of them at once, more seldom, costs
-- a third less CPU a row.

-- One row a series and sighting; rows of one id collapse into one. `id` is a hash of `bound` and `labels`,
-- so those never differ within an id. `service` holds (when it was decided in ms, name): the latest wins.
CREATE TABLE IF NOT EXISTS series
(
    metric LowCardinality(String),
    id UInt64,
    bound LowCardinality(String),
    service SimpleAggregateFunction(max, Tuple(UInt64, String)),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    first_seen SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    last_seen SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (metric, id)
SETTINGS allow_dimensions_outside_sorting_key = 1;

-- The row written last wins among rows of one (series, timestamp).
CREATE TABLE IF NOT EXISTS samples
(
    metric LowCardinality(String),
    series UInt64 CODEC(ZSTD(1)),
    timestamp DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    value Float64 CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (metric, series, timestamp)
SETTINGS ttl_only_drop_parts = 1, merge_selector_base = 20;

CREATE TABLE IF NOT EXISTS metric_metadata
(
    metric String,
    type LowCardinality(String),
    help String,
    unit LowCardinality(String),
    seen DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(seen)
ORDER BY metric;

-- `written_as` are the services under which records of the stream lie in log_records.
CREATE TABLE IF NOT EXISTS log_streams
(
    id UInt64,
    bound LowCardinality(String),
    service SimpleAggregateFunction(max, Tuple(UInt64, String)),
    written_as SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    first_seen SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    last_seen SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY id
SETTINGS allow_dimensions_outside_sorting_key = 1;

CREATE TABLE IF NOT EXISTS log_records
(
    service LowCardinality(String),
    stream UInt64 CODEC(ZSTD(1)),
    timestamp DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    observed_timestamp DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    severity_number UInt8 CODEC(ZSTD(1)),
    severity_text LowCardinality(String),
    body String CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    attributes String CODEC(ZSTD(1)),
    INDEX body_tokens body TYPE tokenbf_v1(32768, 4, 0) GRANULARITY 1,
    INDEX trace_ids trace_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX timestamps timestamp TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toMonday(timestamp)
ORDER BY (service, stream, timestamp)
SETTINGS ttl_only_drop_parts = 1, merge_selector_base = 20;
