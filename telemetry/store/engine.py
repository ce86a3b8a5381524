"""The one connection to the engine: a small pool of clients behind a `chdb://` or `clickhouse://` URL.

SQL text comes from this folder only and carries values as bound parameters (`{name:Type}`). Settings are
written into the text by this module, from numbers and words of our own code.
"""

import logging
import queue
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect import common as driver_settings

from telemetry.model.errors import InvalidInput, StoreUnavailable, TelemetryError
from telemetry.store.engine_errors import engine_errors
from telemetry.store.lean_arrow import leave_pandas_out
from telemetry.store.query_scope import scoped

logger = logging.getLogger(__name__)

DATABASE: Final = "belvedere"

Settings = Mapping[str, int | float | str]

_EMBEDDED_OPTIONS: Final[dict[str, int | str]] = {
    # server side: caches and pools that would grow with the machine, not with the data
    "mark_cache_size": 64 * 1024**2,
    "index_mark_cache_size": 32 * 1024**2,
    "primary_index_cache_size": 64 * 1024**2,
    "query_condition_cache_size": 16 * 1024**2,
    "uncompressed_cache_size": 0,
    "mmap_cache_size": 0,
    "background_pool_size": 2,
    "max_thread_pool_size": 256,
    "max_io_thread_pool_size": 16,
    # session side, for every client
    "max_threads": 2,
    "max_insert_threads": 1,
    "session_timezone": "UTC",
    "log_queries": 0,
}
_SERVER_SETTINGS: Final[dict[str, int | str]] = {"session_timezone": "UTC"}
_KILL: Final = "KILL QUERY WHERE position(query, {mark:String}) > 0 AND query NOT LIKE 'KILL%' ASYNC"

# one process holds several clients; a session would make the server refuse them at once
driver_settings.set_setting("autogenerate_session_id", False)
leave_pandas_out()


def settings_clause(settings: Settings) -> str:
    """` SETTINGS a = 1, b = 'x'`, empty if there are none. Only for names and values of our own code."""
    if not settings:
        return ""
    return "\nSETTINGS " + ", ".join(f"{name} = {_setting_literal(value)}" for name, value in settings.items())


def _setting_literal(value: float | str) -> str:
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return str(value)


class Engine:
    """Pool of clients; every method may be called from any thread."""

    def __init__(self, arguments: dict[str, Any], database: str, *, embedded: bool, clients: int) -> None:
        self.embedded = embedded
        self.database = database
        self._arguments = arguments
        self._idle: queue.LifoQueue[Any | None] = queue.LifoQueue()
        self._size = clients
        self._closed = False
        self._bytes_read = 0
        self.before_reading: dict[str, Callable[[], None]] = {}
        """Table -> what puts there what was acknowledged; called before a statement that names the table."""
        for _ in range(clients):
            self._idle.put(None)

    @classmethod
    def open(cls, url: str, *, clients: int = 6) -> "Engine":
        """Connect and create the database if it is not there.

        Raises InvalidInput for a URL of another form, StoreUnavailable if the engine cannot be opened.
        """
        parts = urlsplit(url)
        match parts.scheme:
            case "chdb":
                arguments, database = _embedded_arguments(parts.netloc + parts.path), DATABASE
            case "clickhouse" | "clickhouses":
                arguments, database = _server_arguments(url), unquote(parts.path.strip("/")) or DATABASE
            case _:
                raise InvalidInput(
                    "the telemetry URL must be chdb://DIR or clickhouse://USER:PASSWORD@HOST:PORT/DATABASE"
                )
        engine = cls(arguments, database, embedded=parts.scheme == "chdb", clients=clients)
        engine._create_database()
        return engine

    @property
    def directory(self) -> Path | None:
        """Where an embedded engine keeps its data; nobody else reads or writes there. None for a server."""
        return Path(self._arguments["path"]) if self.embedded else None

    def rows(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Settings | None = None
    ) -> list[tuple[Any, ...]]:
        """Rows of a query as tuples: for small answers."""
        self._settle(sql)
        with self._scoped(sql, settings) as text, self._client() as client, engine_errors():
            result = client.query(text, parameters=dict(parameters or {}))
            return [tuple(row) for row in result.result_rows]

    def arrow(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Settings | None = None
    ) -> pa.Table:
        """Result of a query as Arrow columns: for large answers."""
        self._settle(sql)
        with self._scoped(sql, settings) as text, self._client() as client, engine_errors():
            found = client.query_arrow(text, parameters=dict(parameters or {}))
        self._bytes_read += found.nbytes
        return found

    def take_bytes_read(self) -> int:
        """Bytes of large answers since the last call, roughly."""
        read, self._bytes_read = self._bytes_read, 0
        return read

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Settings | None = None) -> None:
        """Run a statement that answers nothing (DDL, deletes)."""
        self._settle(sql)
        with self._client() as client, engine_errors():
            client.command(sql, parameters=dict(parameters or {}), settings=dict(settings or {}))

    def insert(self, table: str, columns: pa.Table, settings: Settings | None = None) -> None:
        """Insert Arrow columns as one block per partition; returns after the engine committed it."""
        with self._client() as client, engine_errors():
            client.insert_arrow(f"{self.database}.{table}", columns, settings=dict(settings or {}))

    def close(self) -> None:
        """Close every client; waits for calls that are under way."""
        self._closed = True
        for _ in range(self._size):
            client = self._idle.get()
            if client is not None:
                client.close()

    def kill(self, mark: str) -> None:
        """Stop the queries whose text holds `mark`, if there still are any; on a connection of its own."""
        try:
            client = self._connect(self.database)
            with engine_errors():
                client.command(_KILL, parameters={"mark": mark})
            client.close()
        except TelemetryError as error:
            logger.warning("a query could not be stopped: %s", error)

    def _settle(self, sql: str) -> None:
        for table, settle in self.before_reading.items():
            if table in sql:
                settle()

    @contextmanager
    def _scoped(self, sql: str, settings: Settings | None) -> Iterator[str]:
        with scoped(sql, dict(settings or {}), self.kill) as (text, all_settings):
            yield text + settings_clause(all_settings)

    @contextmanager
    def _client(self) -> Iterator[Any]:
        if self._closed:
            raise StoreUnavailable("the telemetry store is closed")
        client = self._idle.get()
        try:
            if client is None:
                client = self._connect(self.database)
            yield client
        except BaseException:
            # chDB 4.4: what a failed query had written already is put before the next answer on its connection
            if self.embedded and client is not None:
                client.close()
                client = None
            raise
        finally:
            self._idle.put(client)

    def _connect(self, database: str | None) -> Any:
        with engine_errors():
            return clickhouse_connect.get_client(**self._arguments, database=database)

    def _create_database(self) -> None:
        client = self._connect(None)
        try:
            with engine_errors():
                client.command(
                    "CREATE DATABASE IF NOT EXISTS {database:Identifier}", parameters={"database": self.database}
                )
        finally:
            client.close()


def _embedded_arguments(location: str) -> dict[str, Any]:
    path = Path(unquote(location)).expanduser()
    if not path.is_absolute():
        raise InvalidInput(f"the directory of the telemetry URL must be absolute, not {str(path)!r}")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {"interface": "chdb", "path": str(path), "chdb_options": _EMBEDDED_OPTIONS}


def _server_arguments(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    secure = parts.scheme == "clickhouses"
    return {
        "interface": "https" if secure else "http",
        "host": parts.hostname or "localhost",
        "port": parts.port or (8443 if secure else 8123),
        "username": unquote(parts.username or "default"),
        "password": unquote(parts.password or ""),
        "settings": dict(_SERVER_SETTINGS),
        "form_encode_query_params": True,
        "compress": "lz4" if _is_remote(parts.hostname) else False,
    }


def _is_remote(host: str | None) -> bool:
    return host not in (None, "localhost", "127.0.0.1", "::1")
