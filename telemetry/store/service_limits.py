"""What one service may send: series in all, new series an hour, samples a second. Rows set them, settings the rest."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.model.errors import StoreBusy
from telemetry.store import own_metrics
from telemetry.store.limits import Refused
from telemetry.store.settings import ENV_NAMES, StoreSettings

WHERE: Final = "Settings, Limits"
_HOUR_SECONDS: Final = 3600.0
_BURST_SECONDS: Final = 60.0
"""Samples of this long may arrive at once: senders that were cut off catch up."""


@dataclass(frozen=True, slots=True)
class ServiceLimit:
    """Limits of one service; None is that of the settings, or none."""

    max_series: int | None = None
    new_series_per_hour: int | None = None
    samples_per_second: int | None = None


LimitsByService = Callable[[], Mapping[str, ServiceLimit]]


class ServiceLimits:
    """Counts what services send against what they may. Safe to use from any thread."""

    def __init__(
        self, settings: StoreSettings, rows: LimitsByService = dict, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._rows = rows
        self._clock = clock
        self._lock = threading.Lock()
        self._hours: dict[str, tuple[float, int]] = {}
        """service -> (begin of its running hour, new series in it)"""
        self._spent: dict[str, tuple[float, float]] = {}
        """service -> (when, samples that it still has to wait for)"""

    def check_series(self, what: str, service: str, known: int) -> None:
        """Raises Refused if `what` would be one series too many of `service`, which has `known`."""
        own = self._rows().get(service, ServiceLimit()).max_series
        most = self._settings.max_series_per_service if own is None else own
        if known >= most:
            where = ENV_NAMES["max_series_per_service"] if own is None else WHERE
            sentence = f"{what} would be series {known + 1} of service {service!r}; the limit is {most} ({where})"
            raise Refused("too_many_series_of_service", sentence)

    def count_new(self, what: str, service: str) -> None:
        """Count one new series. Raises Refused if the service made as many within the hour as it may."""
        most = self._rows().get(service, ServiceLimit()).new_series_per_hour
        if most is None:
            return
        now = self._clock()
        with self._lock:
            begin, made = self._hours.get(service, (now, 0))
            if now - begin >= _HOUR_SECONDS:
                begin, made = now, 0
            if made >= most:
                sentence = f"{what} would be new series {made + 1} of service {service!r} within an hour"
                raise Refused("too_many_new_series_of_service", f"{sentence}; the limit is {most} ({WHERE})")
            self._hours[service] = begin, made + 1

    def take_samples(self, names: Sequence[str], codes: NDArray[np.int32]) -> None:
        """Count samples by service (position in `names`). Raises StoreBusy, counting nothing, if one is too fast."""
        rates = {name: row.samples_per_second for name, row in self._rows().items() if row.samples_per_second}
        if not rates or not len(codes):
            return
        counts = np.bincount(codes, minlength=len(names))
        sent = {names[code]: int(counts[code]) for code in np.flatnonzero(counts).tolist() if names[code] in rates}
        with self._lock:
            owed = {service: self._owed(service, rates[service] or 1) for service in sent}
            for service, samples in sent.items():
                self._check_rate(service, owed[service], samples, rates[service] or 1)
            now = self._clock()
            self._spent.update({service: (now, owed[service] + samples) for service, samples in sent.items()})

    def _owed(self, service: str, rate: int) -> float:
        at, owed = self._spent.get(service, (self._clock(), 0.0))
        return max(0.0, owed - (self._clock() - at) * rate)

    def _check_rate(self, service: str, owed: float, samples: int, rate: int) -> None:
        if owed and owed + samples > rate * _BURST_SECONDS:
            own_metrics.BUSY.labels("samples").inc()
            raise StoreBusy(
                f"{samples} samples more would pass what service {service!r} may send; "
                f"the limit is {rate} samples a second over {_BURST_SECONDS:g} s ({WHERE})"
            )
