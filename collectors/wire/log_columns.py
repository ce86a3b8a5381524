"""Log records of one request, row by row as decoders find them, out as columns."""

from typing import Final, NamedTuple

import numpy as np

from collectors.wire.decoded import DecodedLogs, RefusalNotes
from collectors.wire.limits import DecodeLimits
from telemetry.model.labels import Labels
from telemetry.model.logs import LogBatch, severity_number_of

_LATEST_NS: Final = 2**63 - 1


class LogRow(NamedTuple):
    """One record; times of 0 mean "not said"."""

    stream: int
    timestamp_ns: int
    observed_timestamp_ns: int
    severity_number: int
    severity_text: str
    body: str
    trace_id: str
    span_id: str
    attributes: str


class LogColumns:
    """Collects the rows of one request and gives its batch."""

    def __init__(self, source: str, received_ns: int, limits: DecodeLimits) -> None:
        """`received_ns` stands in for times that a sender leaves out."""
        self._source = source
        self._received_ns = received_ns
        self._limits = limits
        self._streams: dict[Labels, int] = {}
        self.rows: list[LogRow] = []
        self.notes = RefusalNotes()

    def stream(self, labels: Labels) -> int:
        """Number of the stream with `labels`."""
        return self._streams.setdefault(labels, len(self._streams))

    def room_for(self, more: int) -> None:
        """Raises LimitExceeded if `more` further records are too many for one request."""
        self._limits.check_records(len(self.rows) + more)

    def decoded(self) -> DecodedLogs:
        columns: list[tuple[object, ...]] = list(zip(*self.rows, strict=True)) or [()] * len(LogRow._fields)
        streams, times, observed, numbers, texts, bodies, trace_ids, span_ids, attributes = columns
        batch = LogBatch(
            source=self._source,
            streams=list(self._streams),
            stream_index=np.array(streams, dtype=np.int64),
            timestamps_ns=np.array(times, dtype=np.int64),
            observed_timestamps_ns=np.array(observed, dtype=np.int64),
            severity_numbers=np.array(numbers, dtype=np.uint8),
            severity_texts=texts,  # type: ignore[arg-type]
            bodies=bodies,  # type: ignore[arg-type]
            trace_ids=trace_ids,  # type: ignore[arg-type]
            span_ids=span_ids,  # type: ignore[arg-type]
            attributes=attributes,  # type: ignore[arg-type]
        )
        return DecodedLogs(batch, self.notes.all())

    def times(self, timestamp_ns: int, observed_ns: int) -> tuple[int, int]:
        """Both times of a record, each filled in from the other or from the arrival, inside int64."""
        observed = min(observed_ns or self._received_ns, _LATEST_NS)
        return min(timestamp_ns or observed, _LATEST_NS), observed


def severity(number: int, text: str) -> int:
    """severity_number of a record, taken from its word if it has no (valid) number."""
    return number if 1 <= number <= 24 else severity_number_of(text)
