"""Series (or log streams) by dense number: 0, 1, 2, ... in the order in which this process met them.

What a row of samples needs (id, metric, service) comes from numpy columns by that number. Limits on how many
series there may be are kept here; after a restart they count from what the engine holds.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.model.labels import METRIC_NAME, Labels, label_value
from telemetry.store.columns import Column, Vocabulary
from telemetry.store.identity import identity
from telemetry.store.known import KnownRow, KnownRows
from telemetry.store.limits import Refused, over_limit, shown
from telemetry.store.service_limits import ServiceLimits
from telemetry.store.settings import ENV_NAMES, StoreSettings

ResolveService = Callable[[str, Labels, str | None], str]
"""(signal, labels, bound service or None) -> service"""

SEEN_GRAIN_MS: Final = 3_600_000
"""A series that goes on is written to its table again after one to two of these."""

_NEVER_FIRST: Final = int(np.iinfo(np.int64).max)
_NEVER_LAST: Final = int(np.iinfo(np.int64).min)
_RELOAD_SECONDS: Final = 3600.0


@dataclass(slots=True)
class NewSeriesBudget:
    """How many series one request may still create."""

    most: int
    used: int = 0


class Catalogue:
    """Columns by dense number. Not thread-safe for writers: the registry holds a lock around `admit`."""

    def __init__(
        self,
        signal: str,
        settings: StoreSettings,
        resolve_service: ResolveService,
        load: Callable[[], KnownRows],
        limits: ServiceLimits | None = None,
    ) -> None:
        self._signal = signal
        self._settings = settings
        self._resolve_service = resolve_service
        self._load = load
        self.limits = ServiceLimits(settings) if limits is None else limits
        self.metric_names = Vocabulary()
        self.service_names = Vocabulary()
        self.bound_names = Vocabulary()
        self.reset()

    def reset(self) -> None:
        """Start with nothing but what the engine holds. Nothing may wait to be written."""
        self._by_id: dict[int, int] = {}
        self.ids = Column(np.uint64)
        self.metrics = Column(np.int32)
        self.services = Column(np.int32)
        self.bounds = Column(np.int32)
        self.decided_ms = Column(np.int64)
        self.first_ms = Column(np.int64)
        """First sighting that is committed."""
        self.last_ms = Column(np.int64)
        """Last sighting that is committed."""
        self.due_ms = Column(np.int64)
        """A sample after this is a sighting to write."""
        self.reload()

    def __len__(self) -> int:
        return len(self.ids)

    def reload(self) -> None:
        """Read what the engine holds now; limits count from it and from what is on its way there."""
        self._known = self._load()
        self._loaded_at = time.monotonic()
        self._per_service = Counter(self._known.count_by_service())
        self._total = len(self._known)
        for index in self._uncommitted():
            self._count(self.service_names.names[self.services.view[index]])

    def _uncommitted(self) -> list[int]:
        live = np.fromiter(self._by_id.values(), np.int64, len(self._by_id))
        found: list[int] = live[self.first_ms.view[live] == _NEVER_FIRST].tolist()
        return found

    def admit(self, labels: Labels, bound: str, budget: NewSeriesBudget) -> int:
        """Dense number of these labels. Raises Refused if they are new and a limit is reached."""
        series = identity(labels, bound)
        index = self._by_id.get(series)
        if index is None:
            row = self._known.find(series) or self._new(labels, bound, budget)
            index = self._by_id[series] = self._append(series, labels, bound, row)
        return index

    def overdue(self, indices: NDArray[np.int64], timestamps_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which samples lie outside the committed sightings of their series."""
        after: NDArray[np.bool_] = timestamps_ms > self.due_ms.view[indices]
        return after | (timestamps_ms < self.first_ms.view[indices])

    def confirm(self, indices: NDArray[np.int64], first_ms: NDArray[np.int64], last_ms: NDArray[np.int64]) -> None:
        """Sightings of `indices` are committed."""
        jitter = (self.ids.view[indices] % np.uint64(SEEN_GRAIN_MS)).astype(np.int64)
        self.first_ms.view[indices] = first_ms
        self.last_ms.view[indices] = last_ms
        self.due_ms.view[indices] = last_ms + SEEN_GRAIN_MS + jitter

    def seen_with(
        self, indices: NDArray[np.int64], first_ms: NDArray[np.int64], last_ms: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(first, last) of `indices` once these sightings are added to the committed ones."""
        return np.minimum(self.first_ms.view[indices], first_ms), np.maximum(self.last_ms.view[indices], last_ms)

    def forget(self, services: frozenset[str]) -> None:
        """Series of these services are gone from the engine; they are written again if they come back."""
        names = self.service_names.names
        self._by_id = {
            series: index for series, index in self._by_id.items() if names[self.services.view[index]] not in services
        }
        self.reload()

    def move(self, identity_: int, service: str, decided_ms: int) -> None:
        """The series now belongs to `service`."""
        index = self._by_id.get(identity_)
        if index is not None:
            self.services.view[index] = self.service_names.code(service)
            self.decided_ms.view[index] = decided_ms

    def _new(self, labels: Labels, bound: str, budget: NewSeriesBudget) -> KnownRow:
        self._check_total(labels)
        if budget.used >= budget.most:
            what = f"{shown(labels)} would be new series {budget.used + 1} of one request"
            name = ENV_NAMES["max_new_series_per_request"]
            raise Refused("too_many_new_series", f"{what}; the limit is {budget.most} ({name})")
        service = self._resolve_service(self._signal, labels, bound or None)
        self.limits.check_series(shown(labels), service, self._per_service[service])
        self.limits.count_new(shown(labels), service)
        budget.used += 1
        self._count(service)
        return KnownRow(service, int(time.time() * 1000), _NEVER_FIRST, _NEVER_LAST)

    def _check_total(self, labels: Labels) -> None:
        most = self._settings.max_series
        if self._total >= most and time.monotonic() - self._loaded_at > _RELOAD_SECONDS:
            self.reload()  # retention may have made room
        if self._total >= most:
            what = f"{shown(labels)} would be series {self._total + 1} of this store"
            raise over_limit("too_many_series", what, "max_series", self._settings)

    def _count(self, service: str) -> None:
        self._per_service[service] += 1
        self._total += 1

    def _append(self, series: int, labels: Labels, bound: str, row: KnownRow) -> int:
        index = len(self.ids)
        jitter = series % SEEN_GRAIN_MS
        self.metrics.append(self.metric_names.code(label_value(labels, METRIC_NAME)))
        self.services.append(self.service_names.code(row.service))
        self.bounds.append(self.bound_names.code(bound))
        self.decided_ms.append(row.decided_ms)
        self.first_ms.append(row.first_ms)
        self.last_ms.append(row.last_ms)
        self.due_ms.append(row.last_ms if row.last_ms == _NEVER_LAST else row.last_ms + SEEN_GRAIN_MS + jitter)
        self.ids.append(series)
        return index
