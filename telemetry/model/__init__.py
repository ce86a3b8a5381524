"""Pure values of telemetry: labels, matchers, time ranges, batches on the way in, frames on the way out."""
