"""One process of a cluster at a time does what must not be done twice: scraping."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog
from django.db import Error as DatabaseError
from django.db import connections
from django.db.models import Q
from django.utils import timezone

from dashboard.models import Lease
from dashboard.runtime.heartbeat import process_name
from dashboard.runtime.parts import STOP_SECONDS, Part

LEASE_SECONDS: Final = 30.0
RENEW_SECONDS: Final = 5.0

_log = structlog.get_logger("belvedere.runtime")


def acquire(duty: str, holder: str, seconds: float) -> bool:
    """Take or renew the lease; False while another process holds it. Clocks of the hosts must agree to seconds."""
    now = timezone.now()
    until = now + timedelta(seconds=seconds)
    free = Lease.objects.filter(Q(holder=holder) | Q(until__lt=now), duty=duty)
    if free.update(holder=holder, until=until):
        return True
    _, created = Lease.objects.get_or_create(duty=duty, defaults={"holder": holder, "until": until})
    return created


def release(duty: str, holder: str) -> None:
    """Let another process take over at once."""
    Lease.objects.filter(duty=duty, holder=holder).delete()


class ElectedPart:
    """Runs `part` in this process while it holds the lease of the part's name, and in no other."""

    def __init__(self, part: Part, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = part.name
        self._part = part
        self._clock = clock
        self._leads_until: float | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._campaign, name=f"{self.name} election", daemon=True)
        self._thread.start()

    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self, timeout_seconds: float) -> bool:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout_seconds)
        return not self.alive()

    def _campaign(self) -> None:
        while not self._stopping.is_set():
            self.look()
            self._stopping.wait(RENEW_SECONDS)
        if self._leads_until is not None:
            self._part.stop(STOP_SECONDS)
            release(self.name, process_name())
        connections.close_all()

    def look(self) -> None:
        """Renew or lose the lease; start, restart or stop the part accordingly."""
        led, until = self._leads_until is not None, self._renewed_until()
        if until is not None and not (led and self._part.alive()):
            _log.info("this process takes over", duty=self.name)
            self._part.start()
        elif until is None and led:
            _log.warning("another process may take over", duty=self.name)
            self._part.stop(STOP_SECONDS)
        self._leads_until = until

    def _renewed_until(self) -> float | None:
        """End of the lease by our clock, None without one. An unreachable database leaves the one in hand."""
        now = self._clock()
        try:
            return now + LEASE_SECONDS if acquire(self.name, process_name(), LEASE_SECONDS) else None
        except DatabaseError:
            connections.close_all()
            margin = 2 * RENEW_SECONDS  # to be gone before another process may come
            return self._leads_until if self._leads_until and now < self._leads_until - margin else None
