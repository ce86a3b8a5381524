-- Log records: an index of long words (telemetry/store/log_words.py says how it is asked), columns for JSON fields that
-- are asked for often (telemetry/store/log_fields.py), tighter times, and a memory of inserts so that what is replayed
-- from a journal is not stored twice.
ALTER TABLE log_records
DROP INDEX IF EXISTS body_tokens,
DROP INDEX IF EXISTS trace_ids;

ALTER TABLE log_records
MODIFY COLUMN timestamp DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
MODIFY COLUMN observed_timestamp DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1));

ALTER TABLE log_records
ADD COLUMN IF NOT EXISTS words Array(String) ALIAS arrayConcat(
    extractAll(concat(body, '\n', attributes, '\n', trace_id, '\n', span_id), '[0-9A-Za-z-]{16,}'),
    arrayMap(
        x -> multiIf(length(x) > 64, '>64', length(x) > 36, '>36', '>32'),
        arrayFilter(
            x -> (length(x) > 32),
            extractAll(concat(body, '\n', attributes, '\n', trace_id, '\n', span_id), '[0-9A-Za-z-]{16,}'))));

ALTER TABLE log_records
ADD INDEX IF NOT EXISTS words arrayConcat(
    extractAll(concat(body, '\n', attributes, '\n', trace_id, '\n', span_id), '[0-9A-Za-z-]{16,}'),
    arrayMap(
        x -> multiIf(length(x) > 64, '>64', length(x) > 36, '>36', '>32'),
        arrayFilter(
            x -> (length(x) > 32),
            extractAll(concat(body, '\n', attributes, '\n', trace_id, '\n', span_id), '[0-9A-Za-z-]{16,}'))))
TYPE bloom_filter(0.0025) GRANULARITY 1;

ALTER TABLE log_records
ADD COLUMN IF NOT EXISTS `body:status` LowCardinality(String) MATERIALIZED JSONExtractRaw(body, 'status') CODEC(ZSTD(1)),
ADD COLUMN IF NOT EXISTS `attributes:status` LowCardinality(String)
    MATERIALIZED JSONExtractRaw(attributes, 'status') CODEC(ZSTD(1));

ALTER TABLE log_records MODIFY SETTING non_replicated_deduplication_window = 10000;
