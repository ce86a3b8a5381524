"""Wire keys to dense numbers: the dict that makes a known series cost one lookup instead of a decoding."""

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Labels
from telemetry.model.samples import SeriesNumbers
from telemetry.store import own_metrics
from telemetry.store.catalogue import Catalogue, NewSeriesBudget
from telemetry.store.limits import Refused, check_labels, invalid_labels
from telemetry.store.settings import StoreSettings

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Resolution:
    """Dense numbers of a batch's keys, -1 where refused."""

    indices: NDArray[np.int64]
    """int64[K]"""
    refused: dict[int, Refused]
    """By position of the key."""
    decoded: dict[int, Labels]
    """Labels of keys that had to be decoded, by position."""


class Registry(Generic[K]):
    """Keys of one signal. Safe to call from any thread."""

    def __init__(
        self, kind: str, catalogue: Catalogue, check: Callable[[Labels], None], settings: StoreSettings
    ) -> None:
        self.catalogue = catalogue
        self._kind = kind
        self._check = check
        self._settings = settings
        self.lock = threading.Lock()
        """Hold this while changing the catalogue."""
        self._spaces: dict[tuple[str, str], dict[K, int]] = {}
        self.epoch = 0
        """Rises whenever numbers that were given out must not be used again."""

    def resolve(
        self, space: str, bound: str, keys: Sequence[K], decode: Callable[[K], Labels], most_new: int
    ) -> Resolution:
        """Dense numbers of `keys`; unknown ones are decoded, checked against the limits and numbered."""
        known = self._spaces.get((space, bound), {})
        indices = np.fromiter(map(known.get, keys, repeat(-1)), np.int64, len(keys))
        resolution = Resolution(indices, {}, {})
        if (indices < 0).any():
            with self.lock:
                self._admit_unknown((space, bound), keys, decode, resolution, NewSeriesBudget(most_new))
            own_metrics.KNOWN.labels(self._kind).set(len(self.catalogue))
        return resolution

    def resolve_numbered(
        self,
        space: str,
        bound: str,
        keys: Sequence[K],
        decode: Callable[[K], Labels],
        most_new: int,
        memo: SeriesNumbers,
    ) -> Resolution:
        """As `resolve`, for a sender that keeps the numbers itself: `memo` is brought up to date."""
        if memo.epoch != self.epoch:
            memo.numbers[:] = -1
        resolution = Resolution(memo.numbers, {}, {})
        if (memo.numbers < 0).any():
            with self.lock:
                memo.epoch = self.epoch
                self._look_up(self._spaces.get((space, bound), {}), keys, memo.numbers)
                self._admit({}, bound, keys, decode, resolution, NewSeriesBudget(most_new))
            own_metrics.KNOWN.labels(self._kind).set(len(self.catalogue))
        return resolution

    def _look_up(self, known: Mapping[K, int], keys: Sequence[K], numbers: NDArray[np.int64]) -> None:
        if known:
            missing = np.flatnonzero(numbers < 0)
            numbers[missing] = [known.get(keys[position], -1) for position in missing.tolist()]

    def forget(self, services: frozenset[str]) -> None:
        """The series of these services are gone from the engine."""
        with self.lock:
            self._spaces = {}
            self.epoch += 1
            self.catalogue.forget(services)

    def move(self, changes: Mapping[int, tuple[str, int]]) -> None:
        """Series (by id) belong to other services now: id -> (service, when it was decided in ms)."""
        with self.lock:
            for identity, (service, decided_ms) in changes.items():
                self.catalogue.move(identity, service, decided_ms)
            self.catalogue.reload()

    def reset(self) -> None:
        """The engine is empty; nothing may wait to be written."""
        with self.lock:
            self._spaces = {}
            self.epoch += 1
            self.catalogue.reset()

    def _admit_unknown(
        self,
        space: tuple[str, str],
        keys: Sequence[K],
        decode: Callable[[K], Labels],
        resolution: Resolution,
        budget: NewSeriesBudget,
    ) -> None:
        self._make_room()
        self._admit(self._spaces.setdefault(space, {}), space[1], keys, decode, resolution, budget)

    def _admit(
        self,
        known: dict[K, int],
        bound: str,
        keys: Sequence[K],
        decode: Callable[[K], Labels],
        resolution: Resolution,
        budget: NewSeriesBudget,
    ) -> None:
        for position in np.flatnonzero(resolution.indices < 0).tolist():
            try:
                labels = self._checked(decode, keys[position])
                index = known[keys[position]] = self.catalogue.admit(labels, bound, budget)
            except Refused as refusal:
                resolution.refused[position] = refusal
            else:
                resolution.decoded[position] = labels
                resolution.indices[position] = index

    def _checked(self, decode: Callable[[K], Labels], key: K) -> Labels:
        try:
            labels = decode(key)
        except InvalidInput as error:
            raise invalid_labels(error) from error
        check_labels(labels, self._settings)
        self._check(labels)
        return labels

    def _make_room(self) -> None:
        # one series may arrive under many keys (label order, protocols); a sender must not fill memory with them
        if sum(map(len, self._spaces.values())) > 4 * self._settings.max_series:
            self._spaces = {}
