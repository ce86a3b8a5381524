"""Who scrapes what when several processes do: each target belongs to exactly one of the living; pure.

Rendezvous hashing: when a process comes or goes, only the targets that it gets or had move.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Member:
    """A process that scrapes: from when on it has its share, and until when it is sure to live."""

    name: str
    joins_at: datetime
    until: datetime


def sharing(members: Iterable[Member], now: datetime) -> tuple[str, ...]:
    """Names of those that share the targets at `now`, sorted; all processes come to the same answer."""
    return tuple(sorted(each.name for each in members if each.joins_at <= now < each.until))


@lru_cache(maxsize=200_000)
def owner(identity: str, names: Sequence[str]) -> str:
    """Which of `names` scrapes the target. Raises ValueError if there is none."""
    return max(names, key=lambda name: blake2b(f"{name}\xff{identity}".encode(), digest_size=8).digest())
