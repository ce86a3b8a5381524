-- Log records: columns of JSON fields that say where the engine cannot be sure of the label that a line gives
-- (telemetry/store/log_fields.py), and lines and bytes by minute (telemetry/store/log_counts.py).
-- A minute of the projection ends with its last nanosecond: (12:00:00, 12:01:00], as windows of queries do.
ALTER TABLE log_records
DROP COLUMN IF EXISTS `body:status`,
DROP COLUMN IF EXISTS `attributes:status`;

ALTER TABLE log_records
ADD COLUMN IF NOT EXISTS `body::status` LowCardinality(String) MATERIALIZED multiIf(
    position(body, 'status') = 0 AND position(body, '\\u') = 0, '',
    countSubstrings(body, 'status') = 1 AND position(body, '\\u') = 0 AND JSONExtractRaw(body, 'status') != '',
    JSONExtractRaw(body, 'status'),
    notEmpty(JSONExtractKeys(body))
    AND NOT match(concat('\n', arrayStringConcat(JSONExtractKeys(body), '\n'), '\n'), '\n[^!-~]|[^!-~]\n'),
    JSONExtractRaw(body, 'status'),
    ' ') CODEC(ZSTD(1)),
ADD COLUMN IF NOT EXISTS `attributes::status` LowCardinality(String) MATERIALIZED multiIf(
    position(attributes, 'status') = 0 AND position(attributes, '\\u') = 0, '',
    countSubstrings(attributes, 'status') = 1 AND position(attributes, '\\u') = 0
    AND JSONExtractRaw(attributes, 'status') != '',
    JSONExtractRaw(attributes, 'status'),
    notEmpty(JSONExtractKeys(attributes))
    AND NOT match(concat('\n', arrayStringConcat(JSONExtractKeys(attributes), '\n'), '\n'), '\n[^!-~]|[^!-~]\n'),
    JSONExtractRaw(attributes, 'status'),
    ' ') CODEC(ZSTD(1));

ALTER TABLE log_records MODIFY SETTING lightweight_mutation_projection_mode = 'rebuild';

ALTER TABLE log_records ADD PROJECTION IF NOT EXISTS minutes
(
    SELECT
        service,
        stream,
        intDiv(toUnixTimestamp64Nano(timestamp) - 1, 60000000000) AS minute,
        count(),
        sum(length(body))
    GROUP BY service, stream, minute
);
