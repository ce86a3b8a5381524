"""Records as they are committed, for a page that follows them: what fits, as many as an eye can take."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from dashboard.panels.log_lines import LogLine, log_line
from dashboard.panels.log_match import record_fits, stream_fits
from telemetry.model.labels import Labels
from telemetry.model.logs import LogRecord
from telemetry.store import LogQuery
from telemetry.store.live_feed import CommittedLogs

MOST_LOOKED_AT: Final = 5_000
"""Records of one look; of more only the newest are looked at."""
MOST_SHOWN: Final = 200
"""Records of one look that are sent; two to three looks a second make at most 500 rows a second."""
LOOK_SECONDS: Final = 0.4


@dataclass(frozen=True, slots=True)
class TailLook:
    """What came since the last look, newest first."""

    lines: list[LogLine]
    dropped: int
    """Records that fit, or may have fitted, and are not shown."""


class LogTail:
    """Decides which committed records belong to a query."""

    def __init__(self, query: LogQuery) -> None:
        self._stream_fits: Callable[[Labels, str], bool] = stream_fits(query)
        self._record_fits: Callable[[LogRecord], bool] = record_fits(query)

    def look(self, committed: Iterable[CommittedLogs], dropped: int) -> TailLook:
        """Records of `committed` that fit. `dropped` is how many the mailbox had to leave out."""
        room, found = MOST_LOOKED_AT, []
        for logs in reversed(list(committed)):
            part = newest_part(logs, room)
            dropped += len(logs) - (len(part) if part else 0)
            if part is None:
                continue
            room -= len(part)
            found += [record for record in part.select(self._stream_fits) if self._record_fits(record)]
        found.sort(key=lambda record: -record.timestamp_ns)
        return TailLook([log_line(record) for record in found[:MOST_SHOWN]], dropped + max(0, len(found) - MOST_SHOWN))


def newest_part(logs: CommittedLogs, most: int) -> CommittedLogs | None:
    """The last `most` records of `logs`; None if `most` is 0."""
    first = max(0, len(logs) - most)
    if first == 0:
        return logs
    if most == 0:
        return None
    return CommittedLogs(logs.streams, logs.stream_index[first:], logs.services[first:], logs.columns.slice(first))
