-- Exemplars of series, and what is asked: a log of queries and, by metric, when it was read last.
-- Every statement may run twice.

-- The row written last wins among exemplars of one (series, timestamp).
CREATE TABLE IF NOT EXISTS exemplars
(
    metric LowCardinality(String),
    series UInt64 CODEC(ZSTD(1)),
    timestamp DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    value Float64 CODEC(ZSTD(1)),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toMonday(timestamp)
ORDER BY (metric, series, timestamp)
SETTINGS ttl_only_drop_parts = 1, merge_selector_base = 20;

CREATE TABLE IF NOT EXISTS query_log
(
    at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    actor LowCardinality(String),
    source LowCardinality(String),
    language LowCardinality(String),
    expression String CODEC(ZSTD(1)),
    status LowCardinality(String),
    series UInt64 CODEC(ZSTD(1)),
    samples UInt64 CODEC(ZSTD(1)),
    seconds Float64 CODEC(ZSTD(1)),
    reads Array(LowCardinality(String)) CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toMonday(at)
ORDER BY at
SETTINGS ttl_only_drop_parts = 1;

-- `kind` is metric or stream; `source` is who reads: api, page, rule.
CREATE TABLE IF NOT EXISTS reads
(
    kind LowCardinality(String),
    name String,
    source LowCardinality(String),
    last_read SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    times SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
ORDER BY (kind, name, source);
