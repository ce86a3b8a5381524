"""What the evaluation asks of a store of log lines."""

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

from telemetry.model.labels import Matcher
from telemetry.store.log_counts import CountQuery
from telemetry.store.log_lines import LineQuery, StreamSet


class LogSource(Protocol):
    """A store of log lines, or a fake of one in tests."""

    def select_log_streams(self, matchers: Sequence[Matcher], start_ns: int, end_ns: int) -> StreamSet:
        """Streams that match and may have lines between."""

    def read_log_lines(self, query: LineQuery) -> pa.Table:
        """Columns stream (id), time (ns), line, metadata."""

    def count_log_lines(self, query: CountQuery) -> pa.Table:
        """Columns stream (id), metadata, bucket, amount, unsure."""
