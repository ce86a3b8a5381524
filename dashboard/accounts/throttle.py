"""Slows down whoever guesses passwords or codes, without ever locking the owner of an account out.

Tries are counted for three things: an account tried from one place, a place whatever it tries, and an account whoever
tries it. The first two make the next try wait 1, 2, 4, ... seconds, 15 minutes at most, once the free tries are used
up. The third never refuses by itself: many failures on one account only take the free tries away from places that fail
there, so that the first try from anywhere else is always heard. A browser that has signed in to the account before
(`known_browser.py`) is a place of its own, so the owner gets in even from the network of an attacker.
"""

import contextlib
import hashlib
import time
from dataclasses import dataclass
from typing import Final

from django.core.cache import cache

LONGEST_WAIT_SECONDS: Final = 900
MEMORY_SECONDS: Final = 3600
"""Tries are forgotten when there was none for this long."""
FREE_TRIES: Final = 5
FREE_TRIES_OF_A_PLACE: Final = 30
ACCOUNT_UNDER_PRESSURE: Final = 50
"""From this many failed tries of an account on, a place has one free try there and then waits a minute or longer."""
FIRST_WAIT_UNDER_PRESSURE: Final = 64


def wait_seconds(tries: int, free: int, first_wait: int = 1) -> int:
    """How long the next try has to wait after so many: 0 below `free`, then first_wait x 1, 2, 4, ..."""
    beyond = tries - free
    return 0 if beyond < 0 else min(first_wait * 2 ** min(beyond, 20), LONGEST_WAIT_SECONDS)


@dataclass(frozen=True, slots=True)
class Limit:
    """One count of tries and the wait that follows from it. Every step is atomic in the cache."""

    key: str
    free: int
    first_wait: int = 1

    def take(self) -> int:
        """0 if a try may go on now: it is counted and the next wait begins. Else the seconds left to wait."""
        wait = wait_seconds(_counted(self.key), self.free, self.first_wait)
        now = time.time()
        if not wait or cache.add(self._turn, now + wait, wait):
            return 0
        self._uncount()
        until: float = cache.get(self._turn, now)
        return max(1, round(until - now))

    def give_back(self) -> None:
        """The try did not count after all."""
        cache.delete(self._turn)
        self._uncount()

    def _uncount(self) -> None:
        with contextlib.suppress(ValueError):  # forgotten meanwhile
            cache.decr(self.key)

    def clear(self) -> None:
        cache.delete_many([self.key, self._turn])

    @property
    def _turn(self) -> str:
        return f"{self.key}:turn"


@dataclass(frozen=True, slots=True)
class Guard:
    """Judges tries on one account from one place."""

    subject: str
    """What is guessed, such as "password": each subject counts for itself."""
    account: str
    place: str
    """A network, or a browser that the account knows."""
    known: bool = False

    def seconds_to_wait(self) -> int:
        """0 lets a try go on, and counts it as failed until `forgive` is called; more refuses it uncounted.

        Counted beforehand, or a hundred tries at once would all be judged before the first failure is known.
        """
        taken: list[Limit] = []
        for limit in self._limits():
            if (seconds := limit.take()) > 0:
                for other in taken:
                    other.give_back()
                return seconds
            taken.append(limit)
        _counted(self._account_key)
        return 0

    def forgive(self) -> None:
        """The try was good: this place starts afresh with the account."""
        *place, pair = self._limits()
        pair.clear()
        for limit in (*place, Limit(self._account_key, FREE_TRIES)):
            limit.give_back()

    def _limits(self) -> list[Limit]:
        pair = _key(self.subject, "pair", self.account, self.place)
        if self.known:
            return [Limit(pair, FREE_TRIES)]
        pressed = cache.get(self._account_key, 0) >= ACCOUNT_UNDER_PRESSURE
        return [
            Limit(_key(self.subject, "place", self.place), FREE_TRIES_OF_A_PLACE),
            Limit(pair, 1, FIRST_WAIT_UNDER_PRESSURE) if pressed else Limit(pair, FREE_TRIES),
        ]

    @property
    def _account_key(self) -> str:
        return _key(self.subject, "account", self.account)


def _counted(key: str) -> int:
    """The count after adding one; the memory of it starts again."""
    cache.add(key, 0, MEMORY_SECONDS)
    try:
        count = cache.incr(key)
    except ValueError:
        return 1  # forgotten between the two statements
    cache.touch(key, MEMORY_SECONDS)
    return count


def _key(*words: str) -> str:
    """A cache key of fixed length that shows no names."""
    digest = hashlib.sha256("\0".join(words).casefold().encode()).hexdigest()
    return f"accounts.throttle:{digest}"
