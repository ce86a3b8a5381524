"""What the store says of itself on `/metrics`."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

QUEUE_ROWS: Final = Gauge("belvedere_store_queue_rows", "Rows that wait to be committed.", ["kind"])
BUSY: Final = Counter("belvedere_store_busy", "Writes refused because the queue was full.", ["kind"])
BATCHES: Final = Counter("belvedere_store_batches", "Groups of requests committed together.", ["kind", "result"])
INSERT_SECONDS: Final = Histogram(
    "belvedere_store_insert_seconds",
    "Time to commit one group.",
    ["kind"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
ACCEPTED: Final = Counter("belvedere_store_accepted", "Samples or log records accepted.", ["kind"])
REFUSED: Final = Counter("belvedere_store_refused", "Samples or log records refused.", ["kind", "reason"])
KNOWN: Final = Gauge("belvedere_store_known_series", "Series or log streams known to this process.", ["kind"])
JOURNAL_ROWS: Final = Gauge("belvedere_store_journal_rows", "Acknowledged samples that the engine does not have yet.")
REDACTED: Final = Counter(
    "belvedere_store_redacted", "Texts of log records in which a rule replaced something.", ["rule"]
)
SAMPLED: Final = Counter(
    "belvedere_store_sampled_records", "Log records that a sampling rule kept or left out.", ["service", "result"]
)
LOG_JOURNAL_ROWS: Final = Gauge(
    "belvedere_store_log_journal_rows", "Acknowledged log records that the engine does not have yet."
)
BLOCK_SECONDS: Final = Histogram(
    "belvedere_store_block_seconds",
    "Time to hand one block of acknowledged samples to the engine.",
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
GROUPED: Final = Counter("belvedere_store_grouped_records", "Log records grouped into patterns.")
UNGROUPED: Final = Counter("belvedere_store_ungrouped_records", "Log records that came too fast to be grouped.")
GROUPING_SECONDS: Final = Counter("belvedere_store_grouping_cpu_seconds", "CPU time spent on grouping log records.")
LOG_QUERIES_OVER_BYTES: Final = Counter(
    "belvedere_store_log_queries_over_bytes", "LogQL queries stopped because they would read too many bytes."
)
