"""What the store does to whole services: sizes, sightings, moving and removing."""

import time
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from telemetry.store.catalogue import ResolveService
from telemetry.store.engine import Engine, Settings
from telemetry.store.migrate import VERSIONS_TABLE
from telemetry.store.queries import ServiceVolume, TableUsage
from telemetry.store.sample_table import INSERT_SETTINGS
from telemetry.store.series_reader import labels_of
from telemetry.store.sightings import service_array

SIGNAL_OF: Final = {"series": "metrics", "log_streams": "logs"}

_USAGE: Final = """
SELECT table, sum(rows), sum(bytes_on_disk), sum(data_uncompressed_bytes)
FROM system.parts WHERE database = {database:String} AND active GROUP BY table ORDER BY table
"""

_SEEN: Final = """
SELECT service, toUnixTimestamp64Milli(max(last))
FROM (SELECT max(service).2 AS service, max(last_seen) AS last FROM {table:Identifier} GROUP BY id)
GROUP BY service
"""

_VOLUMES: Final = """
SELECT service, sum(series), sum(records) FROM
(
    SELECT max(service).2 AS service, 1 AS series, 0 AS records FROM series GROUP BY id
    UNION ALL
    SELECT service, 0 AS series, count() AS records FROM log_records GROUP BY service
)
GROUP BY service
"""

_IDS_OF_SERVICES: Final = """
(SELECT id FROM (SELECT id, max(service).2 AS now FROM {table:Identifier} GROUP BY id)
WHERE has({names:Array(String)}, now))
"""

_ROWS: Final = {"series": (("samples", "histogram_samples"), "series"), "log_streams": (("log_records",), "stream")}
"""table of ids -> (tables of rows, their column with the id)"""

_WITH_LABELS: Final = {
    "series": "SELECT id, any(metric) AS metric, any(bound) AS bound, max(service).2 AS now, any(labels) AS labels, "
    "min(first_seen) AS first_seen, max(last_seen) AS last_seen FROM series GROUP BY id",
    "log_streams": "SELECT id, any(bound) AS bound, max(service).2 AS now, any(labels) AS labels, "
    "min(first_seen) AS first_seen, max(last_seen) AS last_seen FROM log_streams GROUP BY id",
}

_COUNTED: Final = ("log_patterns", "log_pattern_counts", "log_errors", "log_error_counts")

_UNMOVED: Final = ("id", "metric", "bound", "labels", "first_seen", "last_seen")


class Upkeep:
    """Works on tables as a whole; callers see to it that nothing waits to be written."""

    def __init__(self, engine: Engine, read_settings: Settings) -> None:
        self._engine = engine
        self._read_settings = read_settings

    def usage(self) -> list[TableUsage]:
        """Rows and bytes of each table, by name."""
        return [TableUsage(*row) for row in self._engine.rows(_USAGE, {"database": self._engine.database})]

    def seen(self, table: str) -> dict[str, int]:
        """service -> ms of its last written sighting in `series` or `log_streams`."""
        rows = self._engine.rows(_SEEN, {"table": table}, self._read_settings)
        return {service: int(last_ms) for service, last_ms in rows}

    def volumes(self) -> dict[str, ServiceVolume]:
        """service -> its series and log records."""
        rows = self._engine.rows(_VOLUMES, {}, self._read_settings)
        return {service: ServiceVolume(int(series), int(records)) for service, series, records in rows}

    def delete(self, table: str, names: Sequence[str]) -> int:
        """Delete rows, then ids, of these services; the number of rows. Repeat it if it was cut off."""
        rows_tables, column = _ROWS[table]
        parameters = {"table": table, "column": column, "names": list(names)}
        condition = "{column:Identifier} IN " + _IDS_OF_SERVICES
        if table == "series":
            self._engine.command("DELETE FROM exemplars WHERE series IN " + _IDS_OF_SERVICES, parameters)
        count = 0
        for rows_table in rows_tables:
            parameters["rows"] = rows_table
            count += int(
                self._engine.rows("SELECT count() FROM {rows:Identifier} WHERE " + condition, parameters)[0][0]
            )
            self._engine.command("DELETE FROM {rows:Identifier} WHERE " + condition, parameters)
        self._engine.command("DELETE FROM {table:Identifier} WHERE id IN " + _IDS_OF_SERVICES, parameters)
        return count

    def delete_patterns(self, names: Sequence[str]) -> None:
        """Delete the patterns and errors of these services."""
        for table in _COUNTED:
            condition = "service IN {names:Array(String)}"
            self._engine.command(f"DELETE FROM {table} WHERE {condition}", {"names": list(names)})

    def remap(self, table: str, resolve_service: ResolveService) -> dict[int, tuple[str, int]]:
        """Ask again which service each series or stream belongs to, and write those that moved.

        id -> (new service, when it was decided in ms).
        """
        found = self._engine.arrow(_WITH_LABELS[table], settings=self._read_settings).combine_chunks()
        wanted = [
            resolve_service(SIGNAL_OF[table], labels, bound or None)
            for labels, bound in zip(labels_of(found["labels"]), found["bound"].to_pylist(), strict=True)
        ]
        moved = found.append_column("wanted", pa.array(wanted, pa.string()))
        moved = moved.filter(pc.not_equal(moved["wanted"], moved["now"]))
        decided_ms = int(time.time() * 1000)
        if moved.num_rows:
            self._engine.insert(table, _moved_columns(table, moved, decided_ms), INSERT_SETTINGS)
        ids, services = moved["id"].to_pylist(), moved["wanted"].to_pylist()
        return {identity: (service, decided_ms) for identity, service in zip(ids, services, strict=True)}

    def clear(self) -> None:
        """Empty every table that holds data."""
        for usage in self.usage():
            if usage.table != VERSIONS_TABLE:
                self._engine.command("TRUNCATE TABLE {table:Identifier}", {"table": usage.table})


def _moved_columns(table: str, moved: pa.Table, decided_ms: int) -> pa.Table:
    services: list[str] = moved["wanted"].to_pylist()
    columns: dict[str, Any] = {name: moved[name] for name in _UNMOVED if name in moved.column_names}
    columns["service"] = service_array([decided_ms] * len(services), services)
    if table == "log_streams":
        columns["written_as"] = pa.array([[service] for service in services], pa.list_(pa.string()))
    return pa.table(columns)
