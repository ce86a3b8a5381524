"""The Celery worker in a thread of this process."""

import threading
from typing import Any, Final

from celery.worker import WorkController
from django.conf import settings
from django.utils.module_loading import autodiscover_modules

from dashboard.celery import app
from dashboard.runtime.heartbeat import process_name

READY_SECONDS: Final = 15.0
TICK_THREADS: Final = 1
"""Threads beyond those for jobs, so that ticks run however long the jobs take."""


class WorkerNotReady(Exception):
    """The worker did not reach its broker in time."""


class WorkerPart:
    """Runs jobs in a pool of threads.

    Threads cannot be stopped from outside, so a job that does not end within the deadline of `stop` is
    left behind; its row is put back in the queue at the next start.
    """

    name = "worker"

    def __init__(self) -> None:
        self._controller: WorkController | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        autodiscover_modules("tasks")
        ready = threading.Event()
        self._controller = _controller(ready)
        self._thread = threading.Thread(target=self._controller.start, name="worker", daemon=True)
        self._thread.start()
        if not ready.wait(READY_SECONDS):
            raise WorkerNotReady(f"the worker did not reach {app.connection().as_uri()} in {READY_SECONDS:.0f} s")

    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self, timeout_seconds: float) -> bool:
        controller = self._controller
        if controller is None:
            return True
        stopping = threading.Thread(target=controller.stop, name="worker-stop", daemon=True)
        stopping.start()
        stopping.join(timeout_seconds)
        return not stopping.is_alive()


def _controller(ready: threading.Event) -> WorkController:
    options: dict[str, Any] = {
        "pool": "threads",
        "concurrency": settings.CELERY_CONCURRENCY + TICK_THREADS,
        "without_heartbeat": True,
        "without_mingle": True,
        "without_gossip": True,
        "ready_callback": lambda _consumer: ready.set(),
    }
    return WorkController(app=app, hostname=f"belvedere@{process_name()}", **options)
