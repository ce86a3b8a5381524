"""Sends due jobs to Celery and runs them; leaves one thread of the pool free for the ticks."""

import threading
import time
from typing import Final

import structlog
from django.conf import settings

from fleet.jobs import due_jobs, run_job
from fleet.jobs import renew_leases as renew

SEND_AGAIN_SECONDS: Final = 15.0
"""A job that was sent and not started within this time is sent again: its message may be lost."""

_log = structlog.get_logger("belvedere.jobs")
_lock = threading.Lock()
_sent: dict[int, float] = {}
_running: set[int] = set()


def due() -> list[int]:
    """Ids of due jobs that were not sent a moment ago."""
    now = time.monotonic()
    candidates = due_jobs()
    with _lock:
        for job_id in [job_id for job_id, at in _sent.items() if now - at > SEND_AGAIN_SECONDS]:
            del _sent[job_id]
        fresh = [job_id for job_id in candidates if job_id not in _sent]
        _sent.update(dict.fromkeys(fresh, now))
    return fresh


def run(job_id: int) -> bool:
    """Run the job in this thread; False if it is not to be had, or if enough jobs run here already."""
    with _lock:
        _sent.pop(job_id, None)
        if len(_running) >= settings.CELERY_CONCURRENCY or job_id in _running:
            return False
        _running.add(job_id)
    try:
        return run_job(job_id)
    finally:
        with _lock:
            _running.discard(job_id)


def renew_leases() -> int:
    """Keep the jobs that run in this process from being taken for dead."""
    with _lock:
        running = list(_running)
    return renew(running) if running else 0
