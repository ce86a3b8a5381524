"""The Celery application: only the engine. What must not be lost is a row in the database (`fleet.jobs`)."""

import os
from typing import Any, Final

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")  # Django's checks belong to `manage.py check`, not to every start

POLLING_SECONDS: Final = 0.05
"""How often the in-memory broker is looked at: 0.3 % of one core when idle, tasks start within 50 ms."""


def broker_url(url: str) -> str:
    """`url` as kombu likes it: the in-memory broker with a host name, which it would otherwise warn about."""
    return "memory://localhost/" if url == "memory://" else url


def broker_options(url: str) -> dict[str, Any]:
    """Transport options for `url`."""
    if url.startswith("memory:"):
        return {"polling_interval": POLLING_SECONDS}
    return {"visibility_timeout": 3600, "socket_timeout": 10, "socket_connect_timeout": 5} if "redis" in url else {}


app = Celery("belvedere")
app.conf.update(
    broker_url=broker_url(settings.BROKER_URL),
    broker_transport_options=broker_options(settings.BROKER_URL),
    broker_connection_retry_on_startup=True,
    accept_content=["json"],
    task_serializer="json",
    result_serializer="json",
    task_ignore_result=True,
    task_default_queue="belvedere",
    task_create_missing_queues=True,
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    enable_utc=True,
    timezone="UTC",
    imports=["dashboard.tasks"],
    beat_schedule={
        "dispatch": {"task": "dashboard.dispatch", "schedule": 1.0, "options": {"expires": 10}},
        "discover": {"task": "dashboard.discover", "schedule": 5.0, "options": {"expires": 15}},
        "note-errors": {"task": "dashboard.note_errors", "schedule": 30.0, "options": {"expires": 60}},
        "upkeep": {"task": "dashboard.upkeep", "schedule": 10.0, "options": {"expires": 30}},
    },
)
# The threads of the worker's pool look the application up as the default one.
app.set_default()
