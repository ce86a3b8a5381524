"""Scrapes every enabled target from one thread of its own, as a part of the running process."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections
from prometheus_client import Gauge

from collectors.outbound import OutboundClient, OutboundPolicy, configured_policy
from collectors.pull.scrape import ScrapeResult, ScrapeTools
from collectors.pull.scrape_loop import end_series, scrape_forever
from collectors.pull.scrape_memory import ScrapeMemory
from collectors.pull.target_states import TargetStates
from collectors.pull.targets import Discovery, ScrapeTarget, discovered_targets, stored_targets
from collectors.wire.limits import DecodeLimits

TARGETS: Final = Gauge("belvedere_scrape_targets", "Targets that are scraped.")

_PARSING_THREADS: Final = 2
_CONNECTIONS: Final = 10_000
"""Kept at most: each target has one."""
_START_SECONDS: Final = 5.0

_log = structlog.get_logger("belvedere.scrape")


@dataclass(slots=True)
class _Running:
    """A target with its loop."""

    target: ScrapeTarget
    memory: ScrapeMemory
    task: "asyncio.Task[None]"

    def is_over(self, wanted: ScrapeTarget | None) -> bool:
        """Whether the loop must end, because the target is gone or another one now, or has died."""
        return wanted != self.target or self.task.done()


class Scraper:
    """Starts a loop for every target that appears and ends the loop of every one that goes.

    `loopback` allows targets on this machine, for `belvedere up`; elsewhere they are refused. Targets are looked for
    every `refresh_seconds`, and their state is written back as often, all rows at once.
    """

    name = "scraper"

    def __init__(self, *, loopback: bool = False, refresh_seconds: float = 5.0) -> None:
        self._loopback = loopback
        self._refresh_seconds = refresh_seconds
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._ready = threading.Event()
        self._policy = OutboundPolicy()
        self._states = TargetStates()

    @property
    def states(self) -> Mapping[str, tuple[ScrapeTarget, ScrapeResult | None]]:
        """Every target that is scraped with its last result, by identity; discovered ones too."""
        return self._states.all()

    def start(self) -> None:
        """Returns once the thread's event loop runs. Raises ValueError for a configured network that is none."""
        self._policy = configured_policy(loopback=self._loopback)
        self._ready.clear()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise RuntimeError(f"the scraper did not start within {_START_SECONDS:g} s")

    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self, timeout_seconds: float) -> bool:
        """End scraping; series stay current, since another process may go on with them."""
        if self._loop is not None and self._main is not None and self.alive():
            with contextlib.suppress(RuntimeError):  # the loop ended in between
                self._loop.call_soon_threadsafe(self._main.cancel)
        if self._thread is not None:
            self._thread.join(timeout_seconds)
        return not self.alive()

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._scrape_all())

    async def _scrape_all(self) -> None:
        self._loop, self._main = asyncio.get_running_loop(), asyncio.current_task()
        with (
            ThreadPoolExecutor(1, "scraper-database") as database,
            ThreadPoolExecutor(_PARSING_THREADS, "scraper-parse") as parsing,
        ):
            async with OutboundClient(self._policy, connections=_CONNECTIONS) as client:
                watch = _Watch(ScrapeTools(client, parsing, scrape_limits()), self._states, database)
                self._ready.set()
                try:
                    await watch.forever(self._refresh_seconds)
                finally:
                    await watch.end()


class _Watch:
    """Keeps one loop running for each target there is."""

    def __init__(self, tools: ScrapeTools, states: TargetStates, database: ThreadPoolExecutor) -> None:
        self._tools, self._states, self._database = tools, states, database
        self._running: dict[str, _Running] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._discovered: Mapping[str, ScrapeTarget] = {}
        self._broken_files: Mapping[str, str] = {}

    async def forever(self, refresh_seconds: float) -> None:
        """Look for targets and write states back until cancelled."""
        while True:
            try:
                await self.refresh()
                await self._in_database(self._states.write_back)
            except DatabaseError as error:
                # The database may be away for a while; what is known goes on being scraped.
                _log.warning("targets not refreshed", error=str(error))
            await asyncio.sleep(refresh_seconds)

    async def refresh(self) -> None:
        """Start and end loops so that they are those of the targets there are now."""
        stored, discovery = await self._in_database(self._look)
        self._report(discovery.broken_files)
        self._discovered = discovery.targets
        wanted = _without_twins(stored, discovery.targets)
        for identity in [name for name, each in self._running.items() if each.is_over(wanted.get(name))]:
            self._end(identity)
        for identity in wanted.keys() - self._running.keys():
            self._start(wanted[identity])
        TARGETS.set(len(self._running))

    async def end(self) -> None:
        """Cancel all loops and write the last states."""
        tasks = [*(each.task for each in self._running.values()), *self._ending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(DatabaseError):
            await self._in_database(self._states.write_back)
        await self._in_database(connections.close_all)

    def _look(self) -> tuple[dict[str, ScrapeTarget], Discovery]:
        return stored_targets(), discovered_targets(settings.FILE_SD, self._discovered)

    async def _in_database(self, work: Callable[[], Any]) -> Any:
        """Run `work` in the one thread that has a database connection."""

        def connected() -> Any:
            close_old_connections()
            return work()

        return await asyncio.get_running_loop().run_in_executor(self._database, connected)

    def _start(self, target: ScrapeTarget) -> None:
        memory = ScrapeMemory(target.series)
        self._states.appear(target)
        task = asyncio.create_task(scrape_forever(target, memory, self._tools, self._states.note))
        task.add_done_callback(_log_fault)
        self._running[target.identity] = _Running(target, memory, task)

    def _end(self, identity: str) -> None:
        ended = self._running.pop(identity)
        ended.task.cancel()
        self._states.disappear(identity)
        task = asyncio.create_task(self._say_ended(ended))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _say_ended(self, ended: _Running) -> None:
        await asyncio.gather(ended.task, return_exceptions=True)
        await end_series(ended.target, ended.memory, self._tools)

    def _report(self, broken: Mapping[str, str]) -> None:
        for path, reason in broken.items():
            if self._broken_files.get(path) != reason:
                _log.warning("targets file not read, its former targets stay", path=path, error=reason)
        self._broken_files = broken


def _without_twins(
    stored: Mapping[str, ScrapeTarget], discovered: Mapping[str, ScrapeTarget]
) -> dict[str, ScrapeTarget]:
    """All targets by identity; a discovered one that would send the series of a stored one is left out."""
    taken = {(target.url, target.series.target_labels) for target in stored.values()}
    others = {
        name: target for name, target in discovered.items() if (target.url, target.series.target_labels) not in taken
    }
    return {**others, **stored}


def _log_fault(task: "asyncio.Task[None]") -> None:
    """A loop ends by being cancelled; anything else is a fault of ours that must not stay silent."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("scrape loop died", exc_info=error)


def scrape_limits() -> DecodeLimits:
    """How much one page may hold."""
    return DecodeLimits(
        max_decoded_bytes=int(settings.INGEST["max_decoded_bytes"]), max_samples=int(settings.INGEST["max_samples"])
    )
