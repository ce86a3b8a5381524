"""What decoders hand to the receivers: a batch, and what was refused on the way."""

from collections import Counter
from dataclasses import dataclass

from telemetry.model.logs import LogBatch
from telemetry.model.samples import Refusal, SampleBatch


@dataclass(frozen=True, slots=True)
class DecodedSamples:
    """Samples of one request."""

    batch: SampleBatch
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class DecodedLogs:
    """Log records of one request."""

    batch: LogBatch
    refusals: tuple[Refusal, ...] = ()


class RefusalNotes:
    """Collects refusals while a request is decoded: one a (reason, message), however many items it has."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def add(self, reason: str, message: str, count: int = 1) -> None:
        self.counts[reason, message] += count

    def all(self) -> tuple[Refusal, ...]:
        return tuple(Refusal(reason, message, count) for (reason, message), count in self.counts.items())
