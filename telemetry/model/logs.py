"""Log records on their way in (batches) and out, after the OpenTelemetry log data model.

Source: https://opentelemetry.io/docs/specs/otel/logs/data-model/
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from telemetry.model.labels import Labels

SEVERITY_RANGES: Final[tuple[tuple[str, int, int], ...]] = (
    ("unspecified", 0, 0),
    ("trace", 1, 4),
    ("debug", 5, 8),
    ("info", 9, 12),
    ("warn", 13, 16),
    ("error", 17, 20),
    ("fatal", 21, 24),
)
"""(word, first, last) severity_number of each range, both included."""

_WORDS: Final = {
    "trace": 1, "debug": 5, "dbg": 5, "info": 9, "information": 9, "informational": 9, "notice": 10,
    "warn": 13, "warning": 13, "err": 17, "error": 17, "critical": 21, "crit": 21, "alert": 21,
    "emerg": 24, "emergency": 24, "fatal": 21, "panic": 24,
}  # fmt: skip


def severity_number_of(text: str) -> int:
    """severity_number for a level word in any case, 0 (unspecified) if unknown."""
    return _WORDS.get(text.strip().lower(), 0)


def severity_word(number: int) -> str:
    """Word of the range that `number` lies in ("info" for 9 to 12), "unspecified" outside 1 to 24."""
    return next((word for word, first, last in SEVERITY_RANGES if first <= number <= last), "unspecified")


@dataclass(frozen=True, slots=True)
class LogBatch:
    """Log records decoded from one request, as columns of equal length N."""

    source: str
    """Protocol word: "otlp", "loki", "own", ..."""
    streams: Sequence[Labels]
    """Distinct stream label sets (Loki) or resource attributes (OTLP, dotted names kept), exactly as sent."""
    stream_index: NDArray[np.int64]
    """int64[N]: position in `streams`."""
    timestamps_ns: NDArray[np.int64]
    observed_timestamps_ns: NDArray[np.int64]
    severity_numbers: NDArray[np.uint8]
    severity_texts: Sequence[str]
    bodies: Sequence[str]
    trace_ids: Sequence[str]
    """Lower-case hex, empty if absent."""
    span_ids: Sequence[str]
    attributes: Sequence[str]
    """One JSON object a record as text, nested values kept; '' if there are none."""

    def __len__(self) -> int:
        return len(self.timestamps_ns)


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One stored record, as read."""

    timestamp_ns: int
    observed_timestamp_ns: int
    service: str
    stream: Labels
    severity_number: int
    severity_text: str
    body: str
    trace_id: str
    span_id: str
    attributes: dict[str, Any]
