"""Looks for the targets of all jobs, each discovery at its own pace; what was found stays until something newer is."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
from prometheus_client import Counter

from collectors.kept_connections import KeptConnections
from collectors.pull.discovery.dns import dns_groups
from collectors.pull.discovery.files import FileTargets
from collectors.pull.discovery.groups import DiscoveryFailed, TargetGroup
from collectors.pull.discovery.http import http_groups
from collectors.pull.discovery.kubernetes import kubernetes_groups
from collectors.pull.discovery_config import (
    DiscoveryConfig,
    DnsDiscovery,
    FileDiscovery,
    HttpDiscovery,
    KubernetesDiscovery,
    StaticList,
)
from collectors.pull.job_config import JobConfig
from collectors.pull.target_labels import Dropped, Kept, described, judge
from collectors.pull.targets import ScrapeTarget, target_of

FAILED: Final = Counter("belvedere_discovery_failures", "Attempts to discover targets that failed.", ["kind"])
MOST_TARGETS: Final = 100_000
"""Of one job, dropped ones included."""

_log = structlog.get_logger("belvedere.scrape")


@dataclass(frozen=True, slots=True)
class JobTargets:
    """What the discoveries of a job found, judged."""

    targets: Mapping[str, ScrapeTarget]
    """By identity."""
    dropped: Sequence[Dropped] = ()
    problems: Sequence[str] = ()


@dataclass(slots=True)
class _Looking:
    """One discovery of a job at work."""

    task: "asyncio.Task[None] | None" = None
    groups: list[TargetGroup] | None = None
    problems: list[str] = field(default_factory=list)


class Discoveries:
    """Use it within one event loop. `found` is cheap to ask for again and again."""

    def __init__(self, connections: KeptConnections, dns_servers: tuple[tuple[str, int], ...] = ()) -> None:
        self._connections = connections
        self._dns_servers = dns_servers
        self._looking: dict[JobConfig, list[_Looking]] = {}
        self._found: dict[JobConfig, JobTargets] = {}

    def sync(self, jobs: Iterable[JobConfig]) -> None:
        """Look for the targets of `jobs` and of no others."""
        wanted = set(jobs)
        for job in self._looking.keys() - wanted:
            self._stop(self._looking.pop(job))
            self._found.pop(job, None)
        for job in wanted - self._looking.keys():
            self._looking[job] = [_Looking() for _ in job.discoveries]
            for config, looking in zip(job.discoveries, self._looking[job], strict=True):
                looking.task = asyncio.create_task(self._forever(job, config, looking))

    def found(self, job: JobConfig) -> JobTargets | None:
        """Targets of `job`, the same object until they change; None before every discovery was asked once."""
        known = self._found.get(job)
        if known is None and all(each.groups is not None or each.problems for each in self._looking.get(job, ())):
            known = self._found[job] = judged(job, self._looking.get(job, ()))
        return known

    async def end(self) -> None:
        """Stop looking."""
        tasks = [each.task for looking in self._looking.values() for each in looking if each.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @staticmethod
    def _stop(looking: Iterable[_Looking]) -> None:
        for each in looking:
            if each.task is not None:
                each.task.cancel()

    async def _forever(self, job: JobConfig, config: DiscoveryConfig, looking: _Looking) -> None:
        files = FileTargets(config) if isinstance(config, FileDiscovery) else None
        while True:
            groups, problems = looking.groups, []
            try:
                groups = await self._look(config, files)
                problems = files.problems if files else []
            except DiscoveryFailed as error:
                problems = [str(error)]
            self._note(job, config, looking, groups, problems)
            if isinstance(config, StaticList):
                return
            await asyncio.sleep(config.refresh_ms / 1000)

    def _note(
        self,
        job: JobConfig,
        config: DiscoveryConfig,
        looking: _Looking,
        groups: list[TargetGroup] | None,
        problems: list[str],
    ) -> None:
        if problems:
            FAILED.labels(type(config).__name__).inc()
            if problems != looking.problems:
                _log.warning("targets not discovered, the former ones stay", job=job.name, errors=problems)
        if (groups, problems) != (looking.groups, looking.problems):
            looking.groups, looking.problems = groups, problems
            self._found.pop(job, None)

    async def _look(self, config: DiscoveryConfig, files: FileTargets | None) -> list[TargetGroup]:
        match config:
            case StaticList():
                targets = tuple({"__address__": address} for address in config.addresses)
                return [TargetGroup(targets, dict(config.labels))]
            case FileDiscovery():
                return files.groups() if files else []
            case DnsDiscovery():
                return await dns_groups(config, self._dns_servers)
            case HttpDiscovery():
                return await http_groups(config, self._connections)
            case KubernetesDiscovery():
                return await kubernetes_groups(config, self._connections)


def judged(job: JobConfig, looking: Iterable[_Looking]) -> JobTargets:
    """Every group's targets, relabelled; equal ones are scraped once."""
    targets: dict[str, ScrapeTarget] = {}
    dropped: list[Dropped] = []
    problems: list[str] = []
    for each in looking:
        problems += each.problems
        for group in each.groups or ():
            for of_target in group.targets:
                match judge(job, described(job, of_target, group.labels)):
                    case Kept() as kept:
                        target = target_of(job, kept)
                        targets[target.identity] = target
                    case Dropped() as gone:
                        dropped.append(gone)
    if job.target_limit and len(targets) > job.target_limit:
        sentence = f"the job has {len(targets)} targets, over its target_limit of {job.target_limit}"
        return JobTargets({}, dropped, [*problems, f"{sentence}; none is scraped"])
    if len(targets) + len(dropped) > MOST_TARGETS:
        return JobTargets({}, (), [*problems, f"more than {MOST_TARGETS} targets were found; none is scraped"])
    return JobTargets(targets, dropped, problems)
