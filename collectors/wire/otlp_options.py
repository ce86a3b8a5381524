"""What a receiver of OTLP metrics may decide for itself."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from collectors.wire.otlp_deltas import DeltaStreams
from collectors.wire.otlp_series import IDENTIFYING

EVERY: Final = "*"


@dataclass(frozen=True, slots=True)
class OtlpOptions:
    """How requests become series."""

    deltas: DeltaStreams | None = None
    """Where delta values are summed up; None refuses them."""
    sender: bytes = b""
    """Tells apart senders whose streams must not be mixed."""
    promoted: frozenset[str] = field(default=frozenset())
    """Resource attributes that every series gets as labels; `*` stands for all."""
    scope_labels: bool = False
    """Whether series get the name, version and attributes of their scope as `otel_scope_...`."""

    def promotes(self, keys: Iterable[str]) -> list[bool]:
        """Which of these resource attributes become labels."""
        everything = EVERY in self.promoted
        return [key in self.promoted or (everything and key not in IDENTIFYING) for key in keys]


PLAIN: Final = OtlpOptions()
