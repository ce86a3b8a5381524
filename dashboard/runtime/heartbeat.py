"""Signs of life of background work, in the database so that other processes see them."""

import os
import socket
from typing import Final

from django.utils import timezone

from dashboard.models import Heartbeat

STALE_SECONDS: Final = 45
"""Four missed beats and a little: older than this, the work counts as dead."""


def process_name() -> str:
    """Host and process, to tell the processes of a cluster apart."""
    return f"{socket.gethostname()}/{os.getpid()}"


def beat(name: str) -> None:
    """`name` lives."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": timezone.now(), "holder": process_name()})


def age_seconds(name: str) -> float | None:
    """Seconds since the last sign of life, None if there never was one. Not below 0 after a clock step."""
    at = Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()
    return None if at is None else max(0.0, (timezone.now() - at).total_seconds())
