"""PromQL over columns: parse, check, plan and evaluate as Prometheus 3.5 does."""
