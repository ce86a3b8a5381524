"""Keeps one loop running for each target there is, and says how they go."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.db import DatabaseError, close_old_connections, connections
from django.utils import timezone
from prometheus_client import Gauge

from collectors.pull.discoveries import Discoveries, JobTargets
from collectors.pull.job_config import JobConfig
from collectors.pull.job_rows import JobRows, job_rows
from collectors.pull.membership import Membership, View
from collectors.pull.scrape import ScrapeTools
from collectors.pull.scrape_loop import end_series, scrape_forever
from collectors.pull.scrape_memory import ScrapeMemory
from collectors.pull.target_states import TargetStates
from collectors.pull.targets import ScrapeTarget, stored_targets

TARGETS: Final = Gauge("belvedere_scrape_targets", "Targets that are scraped.")

_SNAPSHOT_SECONDS: Final = 10.0
"""How often the states of discovered targets are written."""

_log = structlog.get_logger("belvedere.scrape")


@dataclass(slots=True)
class _Running:
    """A target with its loop."""

    target: ScrapeTarget
    memory: ScrapeMemory
    task: "asyncio.Task[None]"

    def is_over(self, wanted: ScrapeTarget | None) -> bool:
        """Whether the loop must end, because the target is gone or another one now, or has died."""
        return (wanted is not self.target and wanted != self.target) or self.task.done()


@dataclass(frozen=True, slots=True)
class _Read:
    """What the database says."""

    stored: Mapping[str, ScrapeTarget]
    rows: JobRows
    view: View | None


class Watch:
    """Used within one event loop; what it needs of the database it reads in a thread."""

    def __init__(
        self,
        tools: ScrapeTools,
        discoveries: Discoveries,
        states: TargetStates,
        database: ThreadPoolExecutor,
        worker: str,
        membership: Membership | None,
    ) -> None:
        self._tools, self._discoveries, self._states, self._database = tools, discoveries, states, database
        self._worker, self._membership = worker, membership
        self._running: dict[str, _Running] = {}
        self._owners: dict[int, ScrapeTarget] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._read: _Read | None = None
        self._broken: Mapping[str, str] = {}
        self._snapshot_due = 0.0

    async def forever(self, refresh_seconds: float) -> None:
        """Look for targets and write states back until cancelled."""
        while True:
            try:
                self._read = await self._in_database(self._look)
            except DatabaseError as error:
                # The database may be away for a while; what is known goes on being scraped.
                _log.warning("targets not refreshed", error=str(error))
            if self._read is not None:
                await self._refresh(self._read)
            with contextlib.suppress(DatabaseError):
                await self._write_back()
            await asyncio.sleep(refresh_seconds)

    async def end(self) -> None:
        """Cancel all loops, write the last states, leave the other processes."""
        tasks = [*(each.task for each in self._running.values()), *self._ending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._discoveries.end()
        with contextlib.suppress(DatabaseError):
            await self._in_database(self._states.write_back)
            if self._membership is not None:
                await self._in_database(self._membership.leave)
        await self._in_database(connections.close_all)

    def refused(self, memory: ScrapeMemory, sentence: str) -> None:
        """What a target sent was not stored, or not all of it."""
        target = self._owners.get(id(memory))
        if target is not None:
            _log.warning("scrape not stored", url=target.url, error=sentence)
            self._states.refused(target, sentence)

    async def _refresh(self, read: _Read) -> None:
        """Start and end loops so that they are those of the targets there are now."""
        self._report(read.rows.broken)
        self._discoveries.sync(read.rows.jobs)
        await asyncio.sleep(0)  # what needs no waiting (static lists) is found at once
        found = self._found(read.rows.jobs)
        everything = _without_twins(read.stored, found)
        unknown = {job.name for job in read.rows.jobs if job.name not in found}
        wanted = read.view.share(everything, timezone.now()) if read.view else everything
        for identity, running in list(self._running.items()):
            # A job that is being looked at anew keeps its targets until it is known what they are.
            still_unknown = running.target.row_id is None and running.target.job.name in unknown
            if running.task.done() or (not still_unknown and running.is_over(wanted.get(identity))):
                self._end(identity, says_so=identity not in everything or wanted.get(identity) is not None)
        for identity in wanted.keys() - self._running.keys():
            self._start(wanted[identity])
        TARGETS.set(len(self._running))

    def _found(self, jobs: tuple[JobConfig, ...]) -> dict[str, JobTargets]:
        found = {job.name: self._discoveries.found(job) for job in jobs}
        return {name: targets for name, targets in found.items() if targets is not None}

    def _look(self) -> _Read:
        view = self._membership.look() if self._membership else None
        return _Read(stored_targets(), job_rows(), view)

    async def _write_back(self) -> None:
        await self._in_database(self._states.write_back)
        now = asyncio.get_running_loop().time()
        if self._read is not None and now >= self._snapshot_due:
            self._snapshot_due = now + _SNAPSHOT_SECONDS
            jobs = self._found(self._read.rows.jobs)
            broken = {name: JobTargets({}, (), [why]) for name, why in self._read.rows.broken.items()}
            await self._in_database(lambda: self._states.write_snapshots(self._worker, {**jobs, **broken}))

    async def _in_database(self, work: Callable[[], Any]) -> Any:
        """Run `work` in the one thread that has a database connection."""

        def connected() -> Any:
            close_old_connections()
            return work()

        return await asyncio.get_running_loop().run_in_executor(self._database, connected)

    def _start(self, target: ScrapeTarget) -> None:
        memory = target.memory(self._tools.limits)
        self._states.appear(target)
        self._owners[id(memory)] = target
        task = asyncio.create_task(scrape_forever(target, memory, self._tools, self._states.note))
        task.add_done_callback(_log_fault)
        self._running[target.identity] = _Running(target, memory, task)

    def _end(self, identity: str, *, says_so: bool) -> None:
        ended = self._running.pop(identity)
        ended.task.cancel()
        self._owners.pop(id(ended.memory), None)
        self._states.disappear(identity)
        task = asyncio.create_task(self._finish(ended, says_so))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _finish(self, ended: _Running, says_so: bool) -> None:
        await asyncio.gather(ended.task, return_exceptions=True)
        if says_so:  # and not where another process goes on with the target
            end_series(ended.target, ended.memory, self._tools)

    def _report(self, broken: Mapping[str, str]) -> None:
        for name, reason in broken.items():
            if self._broken.get(name) != reason:
                _log.warning("scrape job cannot be used", job=name, error=reason)
        self._broken = broken


def _without_twins(stored: Mapping[str, ScrapeTarget], found: Mapping[str, JobTargets]) -> dict[str, ScrapeTarget]:
    """All targets by identity; a discovered one that would send the series of an entered one is left out."""
    taken = {(target.url, target.labels) for target in stored.values()}
    wanted = dict(stored)
    for job in found.values():
        wanted |= {name: each for name, each in job.targets.items() if (each.url, each.labels) not in taken}
    return wanted


def _log_fault(task: "asyncio.Task[None]") -> None:
    """A loop ends by being cancelled; anything else is a fault of ours that must not stay silent."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("scrape loop died", exc_info=error)
