"""Applies the numbered schema files and keeps table settings equal to the store's settings.

Every step may be repeated, so a process that was killed half way simply starts again. A file is recorded
after its last statement; data that was written by newer code is refused.
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from telemetry.model.errors import StoreUnavailable
from telemetry.store.engine import Engine
from telemetry.store.settings import StoreSettings

_FILE_NAME: Final = re.compile(r"(\d{4})_\w+\.sql")

_UNLESS: Final = re.compile(r"-- unless column (\w+)\.(\w+)")
"""For the few statements that cannot be written so that they may run twice."""

VERSIONS_TABLE: Final = "schema_versions"

_CREATE_VERSIONS: Final = """
CREATE TABLE IF NOT EXISTS schema_versions
(version UInt32, name String, applied_at DateTime DEFAULT now())
ENGINE = MergeTree ORDER BY version
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""


@dataclass(frozen=True, slots=True)
class SchemaFile:
    version: int
    name: str
    statements: tuple[str, ...]


def schema_files() -> list[SchemaFile]:
    """The files of `schema/`, by number."""
    folder = files("telemetry.store").joinpath("schema")
    found = [
        SchemaFile(int(match[1]), entry.name, tuple(_statements(entry.read_text(encoding="utf-8"))))
        for entry in folder.iterdir()
        if (match := _FILE_NAME.fullmatch(entry.name))
    ]
    return sorted(found, key=lambda file: file.version)


def migrate(engine: Engine, settings: StoreSettings) -> None:
    """Bring the schema up to this code. Raises StoreUnavailable for data of newer code."""
    engine.command(_CREATE_VERSIONS)
    known = schema_files()
    applied = _applied_versions(engine)
    if (newest := max(applied, default=0)) > known[-1].version:
        raise StoreUnavailable(
            f"the telemetry data has schema {newest}, this version knows up to {known[-1].version}: "
            "it was written by a newer version; start that one"
        )
    for file in known:
        if file.version not in applied:
            _apply(engine, file)
    _keep_settings(engine, settings)


def _apply(engine: Engine, file: SchemaFile) -> None:
    for statement in file.statements:
        run_statement(engine, statement)
    engine.command(
        "INSERT INTO schema_versions (version, name) SELECT {version:UInt32}, {name:String}",
        {"version": file.version, "name": file.name},
    )


def run_statement(engine: Engine, statement: str) -> None:
    """Run one statement of a schema file, unless the column that it makes is there already."""
    if not _is_done(engine, statement):
        engine.command(statement)


def _applied_versions(engine: Engine) -> set[int]:
    return {int(version) for (version,) in engine.rows("SELECT DISTINCT version FROM schema_versions")}


def _statements(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--") or _UNLESS.match(line)]
    return [statement for part in "\n".join(lines).split(";") if (statement := part.strip())]


def _is_done(engine: Engine, statement: str) -> bool:
    """Whether the column is there that a statement of the form `-- unless column TABLE.COLUMN` makes."""
    unless = _UNLESS.match(statement)
    if not unless:
        return False
    sql = "SELECT count() FROM system.columns WHERE database = {d:String} AND table = {t:String} AND name = {c:String}"
    return bool(engine.rows(sql, {"d": engine.database, "t": unless[1], "c": unless[2]})[0][0])


def _keep_settings(engine: Engine, settings: StoreSettings) -> None:
    for table in _DURABLE_TABLES:
        _keep_fsync(engine, table, settings.fsync)
    for table, (column, field) in _RETENTION.items():
        _keep_retention(engine, table, column, getattr(settings, field))


_DURABLE_TABLES: Final = (
    "series", "samples", "metric_metadata", "log_streams", "log_records", "exemplars",
    "histogram_samples", "histogram_metrics",
)  # fmt: skip
_RETENTION: Final = {
    "samples": ("timestamp", "sample_retention_days"),
    "histogram_samples": ("timestamp", "sample_retention_days"),
    "series": ("last_seen", "sample_retention_days"),
    "log_records": ("timestamp", "log_retention_days"),
    "log_streams": ("last_seen", "log_retention_days"),
    "exemplars": ("timestamp", "exemplar_retention_days"),
    "query_log": ("at", "query_log_days"),
    "log_patterns": ("last_seen", "log_retention_days"),
    "log_pattern_counts": ("at", "log_retention_days"),
    "log_errors": ("last_seen", "log_retention_days"),
    "log_error_counts": ("at", "log_retention_days"),
    "reads": ("last_read", "sample_retention_days"),
}
"""table -> (column that ages, setting)"""


def _definition(engine: Engine, table: str) -> str:
    sql = "SELECT engine_full FROM system.tables WHERE database = {database:String} AND name = {table:String}"
    return str(engine.rows(sql, {"database": engine.database, "table": table})[0][0])


def _keep_fsync(engine: Engine, table: str, fsync: bool) -> None:
    wanted = [f"{name} = {int(fsync)}" for name in ("fsync_after_insert", "fsync_part_directory")]
    definition = _definition(engine, table)
    if any(setting not in definition for setting in wanted):
        engine.command(f"ALTER TABLE {table} MODIFY SETTING {', '.join(wanted)}")


def _keep_retention(engine: Engine, table: str, column: str, days: int) -> None:
    wanted = f"TTL toDateTime({column}) + toIntervalDay({days})"
    if wanted + " " not in _definition(engine, table) + " ":
        engine.command(f"ALTER TABLE {table} MODIFY {wanted}", settings={"materialize_ttl_after_modify": 0})
