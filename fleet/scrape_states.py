"""States of scraped targets as values, and the compressed document in which a process writes them down."""

import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import orjson

_LEVEL: Final = 1


@dataclass(frozen=True, slots=True)
class TargetState:
    """One active target with its last scrape; times in ms since 1970."""

    url: str
    labels: dict[str, str]
    discovered: dict[str, str]
    interval_ms: int
    timeout_ms: int
    up: bool | None = None
    """None before the first scrape."""
    error: str = ""
    at_ms: int | None = None
    duration_seconds: float = 0.0
    samples: int = 0
    series: int = 0
    worker: str = ""


@dataclass(frozen=True, slots=True)
class DroppedTarget:
    """A target that was found and is not scraped."""

    discovered: dict[str, str]
    reason: str


@dataclass(frozen=True, slots=True)
class JobState:
    """What one process knows of a job."""

    active: Sequence[TargetState] = ()
    dropped: Sequence[DroppedTarget] = ()
    problems: Sequence[str] = field(default=())
    """Why discovery, or a part of it, does not work."""
    dropped_count: int = 0
    """Of which only the first are in `dropped`."""


def packed(state: JobState) -> bytes:
    """`state` as a compressed document."""
    return zlib.compress(orjson.dumps(asdict(state)), _LEVEL)


def unpacked(content: bytes, worker: str) -> JobState:
    """The state that `packed` wrote for `worker`."""
    found: dict[str, Any] = orjson.loads(zlib.decompress(content))
    return JobState(
        active=[TargetState(**{**each, "worker": worker}) for each in found["active"]],
        dropped=[DroppedTarget(**each) for each in found["dropped"]],
        problems=found["problems"],
    )
