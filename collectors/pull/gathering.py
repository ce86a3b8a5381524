"""Many targets, one write: samples of all scrapes are gathered for a moment and stored together.

A scrape is not acknowledged to anybody, so it may wait for others: one insert of a second's scrapes costs a tenth of
one insert a scrape.
"""

import asyncio
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from itertools import accumulate
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter

from collectors.pull.beside import NOTHING_BESIDE, Beside, exemplars_of, histograms_of
from collectors.pull.scrape_memory import Piece, ScrapeMemory
from telemetry.model.errors import TelemetryError
from telemetry.model.labels import Labels
from telemetry.model.samples import Refusal, SampleBatch, SeriesNumbers, WriteReceipt
from telemetry.store import current

OnRefused = Callable[[ScrapeMemory, str], None]
"""Told why (a part of) what a target sent was not stored."""

REFUSED: Final = Counter("belvedere_scrape_refused_samples", "Scraped samples that were not stored.", ["reason"])

_NUMBER_BYTES: Final = 4
_COMMIT_SECONDS: Final = 5.0
"""How long the end waits for what was gathered last."""


class Gathering:
    """Takes pieces within one event loop and writes them every `seconds`, sooner when there are many."""

    def __init__(self, executor: Executor, *, seconds: float, most_samples: int = 2_000_000) -> None:
        self._executor = executor
        self.on_refused: OnRefused = lambda memory, sentence: None
        self._seconds = seconds
        self._most = most_samples
        self._waiting: defaultdict[str, list[Piece]] = defaultdict(list)
        self._beside: defaultdict[str, list[tuple[ScrapeMemory, Beside]]] = defaultdict(list)
        self._samples = 0
        self._epochs: dict[str, int] = {}
        self._full = asyncio.Event()

    def add(
        self, pieces: Iterable[Piece], service: str | None, memory: ScrapeMemory, beside: Beside = NOTHING_BESIDE
    ) -> bool:
        """Take what a target sent for the next write; False, taking nothing, while too much waits."""
        if self._samples > self._most:
            return False
        for piece in pieces:
            self._waiting[service or ""].append(piece)
            self._samples += len(piece.values)
        self._count(beside.refusals)
        if len(beside):
            self._beside[service or ""].append((memory, beside))
            self._samples += len(beside)
        if self._samples > self._most // 4:
            self._full.set()
        return True

    async def forever(self) -> None:
        """Write what was gathered until cancelled; then the rest, for a moment."""
        try:
            while True:
                try:
                    async with asyncio.timeout(self._seconds):
                        await self._full.wait()
                except TimeoutError:
                    pass
                await self.write()
        finally:
            await asyncio.wait({asyncio.ensure_future(self.write())}, timeout=_COMMIT_SECONDS)

    async def write(self) -> None:
        """Store everything that waits now."""
        waiting, self._waiting = self._waiting, defaultdict(list)
        beside, self._beside = self._beside, defaultdict(list)
        self._samples = 0
        self._full.clear()
        for service, pieces in waiting.items():
            await self._write(service, pieces)
        for service, of_service in beside.items():
            await self._write_beside(service, of_service)

    async def _write_beside(self, service: str, gathered: list[tuple[ScrapeMemory, Beside]]) -> None:
        loop, besides = asyncio.get_running_loop(), [beside for _, beside in gathered]
        try:
            refusals = await loop.run_in_executor(self._executor, _stored_beside, besides, service or None)
        except TelemetryError as error:
            REFUSED.labels("store").inc(sum(map(len, besides)))
            sentence = f"not stored: {error}"
        else:
            self._count(refusals)
            sentence = "; ".join(refusal.message for refusal in refusals)
        for memory, _ in gathered if sentence else ():
            self.on_refused(memory, sentence)

    def _count(self, refusals: Iterable[Refusal]) -> None:
        for refusal in refusals:
            REFUSED.labels(refusal.reason).inc(refusal.count)

    async def _write(self, service: str, pieces: list[Piece]) -> None:
        memo = self._numbers(service, pieces)
        targets = len({id(piece.memory) for piece in pieces})
        loop, batch = asyncio.get_running_loop(), batch_of(pieces, memo)
        try:
            receipt = await loop.run_in_executor(self._executor, _stored, batch, service or None, targets)
        except TelemetryError as error:
            self._refused(pieces, f"not stored: {error}")
            return
        self._epochs[service] = memo.epoch
        self._settle(pieces, memo, receipt)

    def _numbers(self, service: str, pieces: Sequence[Piece]) -> SeriesNumbers:
        epoch = self._epochs.get(service, -1)
        numbers = np.concatenate([piece.numbers for piece in pieces])
        position = 0
        for piece in pieces:
            if piece.memory.epoch != epoch:
                numbers[position : position + len(piece.numbers)] = -1
            position += len(piece.numbers)
        return SeriesNumbers(numbers, epoch)

    def _settle(self, pieces: Sequence[Piece], memo: SeriesNumbers, receipt: WriteReceipt) -> None:
        self._count(receipt.refusals)
        sentence = "; ".join(refusal.message for refusal in receipt.refusals)
        position = 0
        for piece in pieces:
            numbers = memo.numbers[position : position + len(piece.numbers)]
            position += len(piece.numbers)
            piece.numbers[:] = numbers
            piece.memory.epoch = memo.epoch
            piece.memory.stored()
            if sentence and (isinstance(piece.timestamps_ms, np.ndarray) or (numbers < 0).any()):
                self.on_refused(piece.memory, sentence)

    def _refused(self, pieces: Sequence[Piece], sentence: str) -> None:
        REFUSED.labels("store").inc(sum(len(piece.values) for piece in pieces))
        by_memory: dict[int, list[Piece]] = defaultdict(list)
        for piece in pieces:
            by_memory[id(piece.memory)].append(piece)
        for of_one in by_memory.values():
            of_one[0].memory.not_stored(of_one)
            self.on_refused(of_one[0].memory, sentence)


def _stored(batch: SampleBatch, service: str | None, targets: int) -> WriteReceipt:
    store = current()
    most_new = store.settings.max_new_series_per_request * targets
    return store.write_samples(batch, service=service, max_new_series=most_new).result()


def _stored_beside(gathered: Sequence[Beside], service: str | None) -> tuple[Refusal, ...]:
    """Write both; what was refused."""
    store = current()
    exemplars, histograms = exemplars_of(gathered), histograms_of(gathered)
    most_new = store.settings.max_new_series_per_request * len(gathered)
    parts: list[Future[WriteReceipt]] = []
    if histograms is not None:
        parts.append(store.write_histograms(histograms, service=service, max_new_series=most_new))
    if exemplars is not None:
        parts.append(store.write_exemplars(exemplars, service=service))
    return tuple(refusal for part in parts for refusal in part.result().refusals)


def batch_of(pieces: Sequence[Piece], memo: SeriesNumbers) -> SampleBatch:
    """All `pieces` as one batch whose series are known by number."""
    keys = _Keys(pieces)
    return SampleBatch(
        key_space="scrape",
        keys=keys,
        decode_key=keys.labels,
        key_index=np.arange(len(keys), dtype=np.int64),
        timestamps_ms=_timestamps(pieces),
        values=np.concatenate([piece.values for piece in pieces]),
        metadata=[entry for piece in pieces for entry in piece.metadata],
        numbers=memo,
    )


def _timestamps(pieces: Sequence[Piece]) -> NDArray[np.int64]:
    if any(isinstance(piece.timestamps_ms, np.ndarray) for piece in pieces):
        return np.concatenate([np.broadcast_to(piece.timestamps_ms, len(piece.values)) for piece in pieces])
    times = np.array([piece.timestamps_ms for piece in pieces], dtype=np.int64)
    return np.repeat(times, [len(piece.values) for piece in pieces])


class _Keys(Sequence[bytes]):
    """Keys of all pieces, one after the other: number of the piece, then the key as it stands on its page."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self._ends = list(accumulate(len(piece.values) for piece in pieces))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        if isinstance(at, slice):
            return [self[position] for position in range(*at.indices(len(self)))]
        number = bisect_right(self._ends, at)
        piece = self._pieces[number]
        start = self._ends[number] - len(piece.values)
        return number.to_bytes(_NUMBER_BYTES) + piece.keys[at - start]

    def labels(self, key: bytes) -> Labels:
        """Labels of a key of this sequence."""
        return self._pieces[int.from_bytes(key[:_NUMBER_BYTES])].labels(key[_NUMBER_BYTES:])
