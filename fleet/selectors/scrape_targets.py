"""Reads scrape jobs and the states of their targets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from fleet.models import ScrapeJob, ScrapeSnapshot
from fleet.scrape_states import DroppedTarget, JobState, TargetState, unpacked

FRESH: Final = timedelta(minutes=2)
"""A snapshot that is older belongs to a process that is gone."""
FILES_JOB: Final = "file_sd"
"""Job of the targets in the files of BELVEDERE_FILE_SD."""


@dataclass(frozen=True, slots=True)
class JobSummary:
    """One job and how many targets it has, as its processes last said."""

    name: str
    row: ScrapeJob | None
    """None for the job of BELVEDERE_FILE_SD."""
    active: int = 0
    up: int = 0
    dropped: int = 0
    samples: int = 0
    workers: Sequence[str] = field(default=())
    seen_at: datetime | None = None

    @property
    def down(self) -> int:
        return self.active - self.up


def job_summaries() -> list[JobSummary]:
    """All jobs by name. Two queries."""
    rows = {row.name: row for row in ScrapeJob.objects.defer("document", "secrets")}
    snapshots: dict[str, list[ScrapeSnapshot]] = {}
    for snapshot in _fresh().defer("content"):
        snapshots.setdefault(snapshot.job, []).append(snapshot)
    return [_summary(name, rows.get(name), snapshots.get(name, [])) for name in sorted({*rows, *snapshots})]


def job_state(name: str) -> JobState:
    """Every target of a job, from all processes that scrape it. One query."""
    return _joined(_fresh().filter(job=name))


def job_states() -> dict[str, JobState]:
    """States of all targets of jobs, by job. One query; those entered one by one are rows of `Target`."""
    found: dict[str, list[ScrapeSnapshot]] = {}
    for snapshot in _fresh():
        found.setdefault(snapshot.job, []).append(snapshot)
    return {job: _joined(snapshots) for job, snapshots in found.items()}


def _fresh() -> QuerySet[ScrapeSnapshot]:
    return ScrapeSnapshot.objects.filter(at__gt=timezone.now() - FRESH)


def _summary(name: str, row: ScrapeJob | None, snapshots: Sequence[ScrapeSnapshot]) -> JobSummary:
    return JobSummary(
        name=name,
        row=row,
        active=sum(each.active for each in snapshots),
        up=sum(each.up for each in snapshots),
        dropped=max((each.dropped for each in snapshots), default=0),
        samples=sum(each.samples for each in snapshots),
        workers=[each.worker for each in snapshots],
        seen_at=max((each.at for each in snapshots), default=None),
    )


def _joined(snapshots: Iterable[ScrapeSnapshot]) -> JobState:
    active: list[TargetState] = []
    dropped: Sequence[DroppedTarget] = ()
    problems: dict[str, None] = {}
    dropped_count = 0
    for snapshot in snapshots:
        state = unpacked(bytes(snapshot.content), snapshot.worker)
        active += state.active
        dropped = max(dropped, state.dropped, key=len)  # every process finds the same ones
        dropped_count = max(dropped_count, snapshot.dropped)
        problems |= dict.fromkeys(state.problems)
    active.sort(key=lambda each: (each.up is True, each.url))
    return JobState(active, dropped, list(problems), dropped_count)


def moment(at_ms: int | None) -> datetime | None:
    """A time of a state as a datetime."""
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, tz=UTC)
