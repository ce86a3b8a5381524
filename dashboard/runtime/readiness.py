"""Whether this process can do its work: each thing it needs is asked and named."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from django.db import Error as DatabaseError
from django.db import connection

from dashboard.runtime import heartbeat
from telemetry.model.errors import TelemetryError
from telemetry.store import current

BELIEVE_SECONDS: Final = 1.0
"""An answer counts this long, so that asking often costs nothing."""

_log = structlog.get_logger("belvedere.runtime")


class NotReady(Exception):
    """Something that is needed does not work; the message says what, without inner detail."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """The faults by check; '' for a check that passed."""

    faults: Mapping[str, str]

    @property
    def ready(self) -> bool:
        return not any(self.faults.values())


def check_database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        raise NotReady("the relational database does not answer") from error


def check_store() -> None:
    try:
        current().metric_metadata(limit=1)
    except TelemetryError as error:
        raise NotReady("the telemetry store does not answer") from error


def check_worker() -> None:
    try:
        age = heartbeat.age_seconds("worker")
    except DatabaseError as error:
        raise NotReady("unknown, the relational database does not answer") from error
    if age is None:
        raise NotReady("no worker has started yet")
    if age > heartbeat.STALE_SECONDS:
        raise NotReady(f"the last sign of life of a worker is {age:.0f} s old")


CHECKS: Final[Mapping[str, Callable[[], None]]] = {
    "database": check_database,
    "store": check_store,
    "worker": check_worker,
}


class ReadinessProbe:
    """Asks every check, at most once in BELIEVE_SECONDS."""

    def __init__(self, checks: Mapping[str, Callable[[], None]], clock: Callable[[], float] = time.monotonic) -> None:
        self._checks = checks
        self._clock = clock
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._answer = Readiness({})

    def ask(self) -> Readiness:
        """Blocks while the checks run; several callers share one answer. Leaves a database connection open."""
        with self._lock:
            if self._clock() - self._asked_at > BELIEVE_SECONDS:
                self._answer = Readiness({name: _fault(name, check) for name, check in self._checks.items()})
                self._asked_at = self._clock()
            return self._answer


def _fault(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except NotReady as fault:
        _log.warning("not ready", check=name, fault=str(fault), cause=str(fault.__cause__ or ""))
        return str(fault)
    return ""


probe = ReadinessProbe(CHECKS)
