"""Log streams: their labels and services, and which of them a query selects."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from telemetry.model.labels import Labels, Matcher
from telemetry.store.conditions import Conditions, stream_label
from telemetry.store.engine import Engine, Settings
from telemetry.store.series_reader import labels_of


@dataclass(frozen=True, slots=True)
class StreamFilter:
    """Where the records of selected streams lie; None does not restrict."""

    written_as: tuple[str, ...] | None = None
    ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    labels: Labels
    service: str


class StreamReader:
    """Reads the table `log_streams`."""

    def __init__(self, engine: Engine, read_settings: Settings) -> None:
        self._engine = engine
        self._read_settings = read_settings

    def filter(self, services: Sequence[str], matchers: Sequence[Matcher]) -> StreamFilter:
        """Streams that belong to one of `services` now and match.

        Records carry the service under which they were written. If no stream ever changed its service, that name
        is enough to find them; otherwise the ids are named too.
        """
        if not services and not matchers:
            return StreamFilter()
        conditions = Conditions()
        wanted = conditions.bind(list(services), "Array(String)")
        rows = self._engine.rows(
            "SELECT id, max(service).2 AS now, arrayDistinct(arrayFlatten(groupArray(written_as))) AS written "
            f"FROM log_streams WHERE {conditions.matchers(matchers, stream_label)} GROUP BY id "
            f"HAVING empty({wanted}) OR has({wanted}, now) OR hasAny({wanted}, written)",
            conditions.parameters,
            self._read_settings,
        )
        selected = [row for row in rows if not services or row[1] in services]
        written_as = tuple(sorted({name for row in selected for name in row[2]}))
        settled = all(list(row[2]) == [row[1]] for row in rows)
        return StreamFilter(written_as, None if settled and not matchers else tuple(row[0] for row in selected))

    def by_id(self, ids: Iterable[int]) -> dict[int, Stream]:
        """Labels and present service of each id; ids that are not there are left out."""
        found = self._engine.arrow(
            "SELECT id, any(labels) AS label_set, max(service).2 AS owner FROM log_streams "
            "WHERE id IN {ids:Array(UInt64)} GROUP BY id",
            {"ids": list(ids)},
            self._read_settings,
        )
        columns = zip(found["id"].to_pylist(), labels_of(found["label_set"]), found["owner"].to_pylist(), strict=True)
        return {identity: Stream(labels, service) for identity, labels, service in columns}
