"""What the store promises and where it stops, as one frozen value."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Fields are the words of the BELVEDERE_... variables in lower case; defaults are those of the product."""

    fsync: bool = True
    group_commit_ms: int = 10
    batch_rows: int = 500_000
    insert_seconds: float = 30
    log_insert_seconds: float = 5
    log_block_rows: int = 100_000
    queue_rows: int = 2_000_000
    sample_retention_days: int = 400
    log_retention_days: int = 400
    exemplar_retention_days: int = 15
    query_log_days: int = 30
    redact: str = ""
    redact_patterns: str = ""
    future_seconds: int = 600
    max_series: int = 5_000_000
    max_series_per_service: int = 200_000
    max_new_series_per_request: int = 100_000
    max_labels: int = 64
    max_label_name_bytes: int = 256
    max_label_value_bytes: int = 4096
    max_line_bytes: int = 262_144
    max_log_patterns: int = 1000
    query_timeout_seconds: float = 60
    max_query_series: int = 200_000
    max_query_samples: int = 50_000_000
    max_query_points: int = 11_000
    max_query_days: int = 0
    max_query_log_lines: int = 5_000_000
    max_query_log_bytes: int = 256 * 1024**3
    max_query_log_entries: int = 5_000
    max_query_log_days: int = 400
    lookback_seconds: int = 300
    query_memory_bytes: int = 2 * 1024**3
    recent_bytes: int = 256 * 1024**2


ENV_NAMES: Final = {name: f"BELVEDERE_{name.upper()}" for name in StoreSettings.__slots__}
"""Field -> environment variable, for sentences that tell a reader which setting to change."""
