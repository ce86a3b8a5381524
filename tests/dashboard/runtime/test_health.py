import asyncio
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from dashboard.api import health
from dashboard.api.health import Health
from dashboard.models import Heartbeat
from dashboard.runtime import heartbeat, readiness
from dashboard.runtime.readiness import CHECKS, NotReady, ReadinessProbe
from telemetry.store import TelemetryStore, set_current
from tests.dashboard.runtime.parts import Clock


async def _inner(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def ask(path: str, method: str = "GET") -> tuple[int, Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Health(_inner)({"type": "http", "path": path, "method": method}, None, send))  # type: ignore[arg-type]
    return sent[0]["status"], json.loads(sent[1]["body"] or b"null")


def works() -> None:
    return None


def fails() -> None:
    raise NotReady("it is away")


def test_healthz_needs_nothing_but_the_process() -> None:
    assert ask("/healthz") == (200, {"status": "ok"})
    assert ask("/healthz", "HEAD") == (200, None)


def test_other_methods_are_refused_and_other_paths_go_on() -> None:
    assert ask("/healthz", "POST")[0] == 405
    assert ask("/healthz/")[0] == 299
    assert ask("/")[0] == 299


def test_readyz_is_200_when_everything_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "probe", ReadinessProbe({"store": works}))
    assert ask("/readyz") == (200, {"ready": True, "checks": {"store": {"ok": True, "fault": ""}}})


def test_readyz_is_503_and_names_what_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "probe", ReadinessProbe({"store": works, "worker": fails}))
    status, answer = ask("/readyz")
    assert status == 503
    assert answer["ready"] is False
    assert answer["checks"] == {"store": {"ok": True, "fault": ""}, "worker": {"ok": False, "fault": "it is away"}}


def test_readyz_does_not_wait_for_a_check_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "probe", ReadinessProbe({"store": lambda: time.sleep(0.3)}))
    monkeypatch.setattr(health, "READY_SECONDS", 0.01)
    status, answer = ask("/readyz")
    assert status == 503
    assert "no answer" in answer["error"]


def test_many_questions_are_one_check() -> None:
    asked, clock = [], Clock()
    probe = ReadinessProbe({"store": lambda: asked.append(1)}, clock)
    probe.ask()
    probe.ask()
    assert len(asked) == 1
    clock.now += readiness.BELIEVE_SECONDS + 0.1
    probe.ask()
    assert len(asked) == 2


@pytest.mark.django_db
def test_everything_works_with_a_store_a_database_and_a_worker_that_lives(store: TelemetryStore) -> None:
    heartbeat.beat("worker")
    for check in CHECKS.values():
        check()


@pytest.mark.django_db
def test_a_worker_that_fell_silent_is_a_fault() -> None:
    with pytest.raises(NotReady, match="no worker has started yet"):
        readiness.check_worker()
    heartbeat.beat("worker")
    Heartbeat.objects.update(at=timezone.now() - timedelta(seconds=heartbeat.STALE_SECONDS + 5))
    with pytest.raises(NotReady, match=r"sign of life of a worker is 5\d s old"):
        readiness.check_worker()


@pytest.mark.django_db
def test_a_clock_that_was_set_back_does_not_make_a_live_worker_dead() -> None:
    heartbeat.beat("worker")
    Heartbeat.objects.update(at=timezone.now() + timedelta(hours=1))
    readiness.check_worker()


def test_a_store_that_is_not_open_is_a_fault() -> None:
    set_current(None)
    with pytest.raises(NotReady, match="telemetry store does not answer"):
        readiness.check_store()


def test_a_database_that_does_not_answer_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def cursor(self) -> None:
            raise OperationalError("password of the database in a message")

    monkeypatch.setattr(readiness, "connection", Away())
    with pytest.raises(NotReady) as fault:
        readiness.check_database()
    assert str(fault.value) == "the relational database does not answer"


@pytest.mark.django_db
def test_metrics_are_text_for_programs_on_this_machine(client: Client) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    assert b"process_resident_memory_bytes" in answer.content
    open_metrics = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert open_metrics["Content-Type"].startswith("application/openmetrics-text")
    assert open_metrics.content.endswith(b"# EOF\n")


@pytest.mark.django_db
def test_metrics_are_closed_to_other_machines_without_a_token(client: Client) -> None:
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code != 200
    assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code != 200
