"""Lines as they are written: those of the store up to now, then those that the feed hands on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import orjson

from telemetry.logql.ast import LogSelector
from telemetry.logql.engine import LineRange, Lines, LogqlEngine
from telemetry.logql.entry import Entry
from telemetry.logql.extraction import metadata_labels, stream_labels
from telemetry.logql.parser import parse_log_query
from telemetry.logql.stages import compile_stage
from telemetry.model.labels import Labels
from telemetry.model.logs import LogRecord
from telemetry.store.live_feed import CommittedLogs

_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Seen:
    time_ns: int
    line: str
    labels: Labels


class LiveQuery:
    """A log query over what is being written. Raises InvalidInput for a query that is none."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._selector: LogSelector = parse_log_query(text)
        self._steps = [compile_stage(stage) for stage in self._selector.stages]
        self._history: set[_Seen] = set()

    def history(self, engine: LogqlEngine, start_ns: int, end_ns: int, limit: int) -> list[Entry]:
        """The newest lines of the store, oldest first. What the feed repeats of them is left out later."""
        value = engine.range(self._text, LineRange(start_ns, max(end_ns, start_ns + 1), limit), 1).value
        found = value.entries[::-1] if isinstance(value, Lines) else []
        self._history.update(_seen(entry) for entry in found[-_REMEMBERED:])
        return found

    def entries(self, committed: Iterable[CommittedLogs]) -> Iterator[Entry]:
        """Lines of the feed that pass the query, each once."""
        for logs in committed:
            for record in logs.select(self._wants):
                entry = self._entry(record)
                if all(step(entry) for step in self._steps) and self._is_new(entry):
                    yield entry

    def newer(self, engine: LogqlEngine, after_ns: int, until_ns: int, limit: int) -> list[Entry]:
        """Lines of the store after a time, oldest first: for processes that do not see what others write."""
        value = engine.range(self._text, LineRange(after_ns + 1, until_ns + 1, limit, backward=False), 1).value
        return value.entries if isinstance(value, Lines) else []

    def _is_new(self, entry: Entry) -> bool:
        seen = _seen(entry)
        if seen in self._history:
            self._history.discard(seen)
            return False
        return True

    def _wants(self, labels: Labels, _service: str) -> bool:
        values = dict(labels)
        return all(matcher.matches(values.get(matcher.name, "")) for matcher in self._selector.matchers)

    def _entry(self, record: LogRecord) -> Entry:
        metadata = metadata_labels(orjson.dumps(record.attributes).decode()) if record.attributes else {}
        return Entry(record.timestamp_ns, record.body, stream_labels(record.stream), metadata)


def _seen(entry: Entry) -> _Seen:
    return _Seen(entry.time_ns, entry.line, entry.label_set())
