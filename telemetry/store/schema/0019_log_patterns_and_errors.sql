-- Lines grouped into templates and traces into errors, counted by minute.
-- Every statement may run twice.

-- `template` holds (number of wildcards, text): the most general text wins, so that two processes that learn apart agree.
CREATE TABLE IF NOT EXISTS log_patterns
(
    service LowCardinality(String),
    id UInt64,
    field SimpleAggregateFunction(any, String),
    template SimpleAggregateFunction(max, Tuple(UInt32, String)),
    sample SimpleAggregateFunction(any, String) CODEC(ZSTD(1)),
    first_seen SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    last_seen SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (service, id);

CREATE TABLE IF NOT EXISTS log_pattern_counts
(
    service LowCardinality(String),
    pattern UInt64 CODEC(ZSTD(1)),
    at DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    severity UInt8 CODEC(ZSTD(1)),
    records UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree(records)
PARTITION BY toMonday(at)
ORDER BY (service, pattern, at, severity)
SETTINGS ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS log_errors
(
    service LowCardinality(String),
    id UInt64,
    type SimpleAggregateFunction(any, String),
    title SimpleAggregateFunction(any, String),
    culprit SimpleAggregateFunction(any, String),
    frames SimpleAggregateFunction(any, Array(String)),
    sample SimpleAggregateFunction(any, String) CODEC(ZSTD(1)),
    first_seen SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    last_seen SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (id, service);

CREATE TABLE IF NOT EXISTS log_error_counts
(
    service LowCardinality(String),
    error UInt64 CODEC(ZSTD(1)),
    at DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    records UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree(records)
PARTITION BY toMonday(at)
ORDER BY (error, service, at)
SETTINGS ttl_only_drop_parts = 1;
