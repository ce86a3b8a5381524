"""How the last scrape of each target went, kept in memory and written back for all changed rows at once."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from collectors.pull.scrape import ScrapeResult
from collectors.pull.targets import ScrapeTarget
from fleet.models import Target

_FIELDS: Final = ("up", "last_scrape_at", "last_error", "last_samples", "last_duration_seconds")
_BATCH: Final = 200
_ERROR_LENGTH: Final = 500


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
