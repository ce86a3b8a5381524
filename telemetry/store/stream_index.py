"""Which log streams there are, in memory: matchers lead to streams without asking the engine.

A copy of the table `log_streams`, exact while this process is the only one that writes it.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from telemetry.model.errors import TelemetryError
from telemetry.model.labels import Labels, Matcher
from telemetry.store.conditions import check_is_text
from telemetry.store.engine import Engine
from telemetry.store.known import milliseconds
from telemetry.store.series_reader import UNWRITTEN_MS, labels_of

logger = logging.getLogger(__name__)

_KEPT_SELECTIONS: Final = 256
_SQL: Final = (
    "SELECT id, any(labels) AS label_set, arrayDistinct(arrayFlatten(groupArray(written_as))) AS written, "
    "min(first_seen) AS first, max(last_seen) AS last FROM log_streams GROUP BY id ORDER BY id"
)


@dataclass(frozen=True, slots=True)
class KnownStream:
    """A stream as the table has it."""

    identity: int
    labels: Labels
    written_as: frozenset[str]
    """Services under which its lines lie."""
    first_ms: int
    last_ms: int

    def seen_again(self, other: "KnownStream") -> "KnownStream":
        """Both sightings of one stream in one."""
        return replace(
            self,
            written_as=self.written_as | other.written_as,
            first_ms=min(self.first_ms, other.first_ms),
            last_ms=max(self.last_ms, other.last_ms),
        )

    def may_have_lines(self, start_ms: int, end_ms: int) -> bool:
        """Whether lines may lie between; a sighting is written a while after its line."""
        return self.first_ms <= end_ms and self.last_ms >= start_ms - UNWRITTEN_MS


class StreamIndex:
    """Streams by id. Safe to use from any thread."""

    def __init__(self, load: Callable[[], Sequence[KnownStream]]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._streams: dict[int, KnownStream] | None = None
        self._matching: OrderedDict[tuple[Matcher, ...], list[int]] = OrderedDict()
        """Ids that matchers take at any time, of the streams that are here now."""

    def add(self, streams: Sequence[KnownStream]) -> None:
        """These are in the table now, new or seen again."""
        with self._lock:
            if self._streams is not None:
                self._put(self._streams, streams)

    def forget(self) -> None:
        """The table was changed otherwise: it is read again when somebody asks."""
        with self._lock:
            self._streams = None
            self._matching.clear()

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[KnownStream] | None:
        """As the table answers, in any order; None while it cannot be read."""
        for matcher in matchers:
            check_is_text(matcher.name)
            check_is_text(matcher.value)
        with self._lock:
            streams = self._ready()
            if streams is None:
                return None
            taken = (streams[identity] for identity in self._ids(streams, tuple(matchers)))
            return [stream for stream in taken if stream.may_have_lines(start_ms, end_ms)]

    def _ready(self) -> dict[int, KnownStream] | None:
        if self._streams is None:
            try:
                found = self._load()
            except TelemetryError:
                logger.exception("the log streams could not be read into memory")
                return None
            self._streams = {stream.identity: stream for stream in found}
        return self._streams

    def _put(self, known: dict[int, KnownStream], streams: Sequence[KnownStream]) -> None:
        for stream in streams:
            before = known.get(stream.identity)
            if before is None:
                self._matching.clear()
            known[stream.identity] = stream if before is None else before.seen_again(stream)

    def _ids(self, streams: dict[int, KnownStream], matchers: tuple[Matcher, ...]) -> list[int]:
        found = self._matching.get(matchers)
        if found is None:
            found = self._matching[matchers] = [one.identity for one in streams.values() if _takes(matchers, one)]
            if len(self._matching) > _KEPT_SELECTIONS:
                self._matching.popitem(last=False)
        self._matching.move_to_end(matchers)
        return found


def _takes(matchers: tuple[Matcher, ...], stream: KnownStream) -> bool:
    values = dict(stream.labels)
    return all(matcher.matches(values.get(matcher.name, "")) for matcher in matchers)


def load_streams(engine: Engine) -> list[KnownStream]:
    """Every stream of the table."""
    found = engine.arrow(_SQL)
    columns = (
        found["id"].to_pylist(),
        labels_of(found["label_set"]),
        found["written"].to_pylist(),
        milliseconds(found["first"]).tolist(),
        milliseconds(found["last"]).tolist(),
    )
    return [
        KnownStream(identity, labels, frozenset(written), first_ms, last_ms)
        for identity, labels, written, first_ms, last_ms in zip(*columns, strict=True)
    ]
