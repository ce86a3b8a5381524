"""How the last scrape of each target went: kept in memory, written to rows of its own and to one snapshot a job."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from django.utils import timezone

from collectors.pull.discoveries import JobTargets
from collectors.pull.scrape import ScrapeResult
from collectors.pull.targets import ScrapeTarget
from fleet.actions.scrape_jobs import write_snapshots
from fleet.models import ScrapeSnapshot, Target
from fleet.scrape_states import DroppedTarget, JobState, TargetState, packed

_FIELDS: Final = ("up", "last_scrape_at", "last_error", "last_samples", "last_duration_seconds")
_BATCH: Final = 200
_ERROR_LENGTH: Final = 500
_MOST_DROPPED: Final = 1000
"""Dropped targets of a job that are shown one by one."""


class TargetStates:
    """Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[str, tuple[ScrapeTarget, ScrapeResult | None]] = {}
        self._changed: dict[int, ScrapeResult] = {}

    def appear(self, target: ScrapeTarget) -> None:
        with self._lock:
            self._states[target.identity] = target, None

    def disappear(self, identity: str) -> None:
        with self._lock:
            self._states.pop(identity, None)

    def note(self, target: ScrapeTarget, result: ScrapeResult) -> None:
        """Keep `result` as the target's last."""
        with self._lock:
            self._states[target.identity] = target, result
            if target.row_id is not None:
                self._changed[target.row_id] = result

    def refused(self, target: ScrapeTarget, sentence: str) -> None:
        """What the last scrape gave was not stored, or not all of it."""
        with self._lock:
            before = self._states.get(target.identity, (target, None))[1]
        if before is not None:
            self.note(target, replace(before, error=sentence))

    def all(self) -> Mapping[str, tuple[ScrapeTarget, ScrapeResult | None]]:
        """A copy, by identity."""
        with self._lock:
            return dict(self._states)

    def write_back(self) -> int:
        """Write what changed since the last call to its rows; how many. What cannot be written is kept for the next."""
        with self._lock:
            changed, self._changed = self._changed, {}
        try:
            return Target.objects.bulk_update(_rows(changed), _FIELDS, batch_size=_BATCH)
        except BaseException:
            with self._lock:
                self._changed = {**changed, **self._changed}
            raise

    def write_snapshots(self, worker: str, jobs: Mapping[str, JobTargets]) -> None:
        """Write what this process knows of each job."""
        by_job: dict[str, list[TargetState]] = {name: [] for name in jobs}
        for target, result in self.all().values():
            if target.row_id is None and target.job.name in by_job:
                by_job[target.job.name].append(_state(target, result))
        now = timezone.now()
        rows = [_snapshot(name, worker, now, by_job[name], found) for name, found in jobs.items()]
        write_snapshots(worker=worker, snapshots=rows)


def _snapshot(job: str, worker: str, now: datetime, active: list[TargetState], found: JobTargets) -> ScrapeSnapshot:
    dropped = [DroppedTarget(dict(each.discovered), each.reason) for each in found.dropped[:_MOST_DROPPED]]
    return ScrapeSnapshot(
        job=job,
        worker=worker,
        at=now,
        active=len(active),
        up=sum(1 for each in active if each.up),
        dropped=len(found.dropped),
        samples=sum(each.samples for each in active),
        content=packed(JobState(active, dropped, found.problems)),
    )


def _state(target: ScrapeTarget, result: ScrapeResult | None) -> TargetState:
    known = TargetState(
        url=target.url,
        labels=dict(target.labels),
        discovered=dict(target.discovered),
        interval_ms=round(target.interval_seconds * 1000),
        timeout_ms=round(target.timeout_seconds * 1000),
    )
    if result is None:
        return known
    return replace(
        known,
        up=result.up,
        error=result.error[:_ERROR_LENGTH],
        at_ms=result.at_ms,
        duration_seconds=result.duration_seconds,
        samples=result.samples,
        series=result.series,
    )


def _rows(results: Mapping[int, ScrapeResult]) -> list[Target]:
    return [
        Target(
            pk=row_id,
            up=result.up,
            last_scrape_at=datetime.fromtimestamp(result.at_ms / 1000, tz=UTC),
            last_error=result.error[:_ERROR_LENGTH],
            last_samples=result.samples,
            last_duration_seconds=result.duration_seconds,
        )
        for row_id, result in results.items()
    ]
