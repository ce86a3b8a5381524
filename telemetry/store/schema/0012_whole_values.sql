-- Values in two columns by their kind (telemetry/store/sample_table.py says how); `plain` holds those written before.
-- unless column samples.plain
ALTER TABLE samples RENAME COLUMN value TO plain;

ALTER TABLE samples
ADD COLUMN IF NOT EXISTS whole Int64 CODEC(Delta(8), Delta(8), T64('bit'), ZSTD(1)),
ADD COLUMN IF NOT EXISTS bits Int64 CODEC(Delta(8), T64('bit'), ZSTD(1)),
ADD COLUMN IF NOT EXISTS value Float64 ALIAS if(
    bits != 0, reinterpretAsFloat64(bits), if(reinterpretAsUInt64(plain) != 0, plain, toFloat64(whole)));
