"""Exemplars: single measurements with a label set of their own, such as a trace id, that stand for a sample.

Source: https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md#exemplars
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Labels

MOST_CHARACTERS: Final = 128
"""Length of all label names and values of an exemplar together."""


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One measurement."""

    timestamp_ms: int
    value: float
    labels: Labels

    def __post_init__(self) -> None:
        size = sum(len(name) + len(value) for name, value in self.labels)
        if size > MOST_CHARACTERS:
            raise InvalidInput(f"the labels of an exemplar have {size} characters; the limit is {MOST_CHARACTERS}")


@dataclass(frozen=True, slots=True)
class ExemplarBatch:
    """Exemplars decoded from one request; keys as in SampleBatch, and of the same key spaces."""

    key_space: str
    keys: Sequence[bytes]
    decode_key: Callable[[bytes], Labels]
    key_index: Sequence[int]
    """Position in `keys` of the series of each exemplar."""
    exemplars: Sequence[Exemplar]

    def __len__(self) -> int:
        return len(self.exemplars)
