import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from dashboard.runtime import dispatcher
from fleet import jobs
from fleet.jobs import JobRun, enqueue, job
from fleet.models import Job


@pytest.fixture(autouse=True)
def _nothing_in_work() -> Iterator[None]:
    dispatcher._sent.clear()
    dispatcher._running.clear()
    yield
    dispatcher._sent.clear()
    dispatcher._running.clear()


@pytest.fixture
def _handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_handlers", {})


@pytest.mark.django_db
def test_a_due_job_is_sent_once_until_it_is_overdue() -> None:
    row = enqueue("test.kind")
    assert dispatcher.due() == [row.pk]
    assert dispatcher.due() == []
    dispatcher._sent[row.pk] -= dispatcher.SEND_AGAIN_SECONDS + 1
    assert dispatcher.due() == [row.pk]


@pytest.mark.django_db
def test_a_job_of_the_future_is_not_sent() -> None:
    enqueue("test.kind", run_at=timezone.now() + timedelta(hours=1))
    assert dispatcher.due() == []


@pytest.mark.django_db
@pytest.mark.usefixtures("_handlers")
def test_a_sent_job_runs_and_is_settled() -> None:
    @job("test.kind")
    def handler(run: JobRun, word: str) -> str:
        return f"did {word}"

    row = enqueue("test.kind", arguments={"word": "it"})
    assert dispatcher.run(row.pk)
    row.refresh_from_db()
    assert (row.state, row.message) == (Job.State.DONE, "did it")
    assert dispatcher._running == set()


@pytest.mark.django_db
def test_a_job_waits_while_all_threads_for_jobs_are_busy(settings) -> None:
    settings.CELERY_CONCURRENCY = 2
    row = enqueue("test.kind")
    dispatcher._running.update({-1, -2})
    assert dispatcher.due() == [row.pk]
    assert not dispatcher.run(row.pk)
    assert Job.objects.get(pk=row.pk).state == Job.State.QUEUED
    assert dispatcher.due() == [row.pk]


@pytest.mark.django_db
@pytest.mark.usefixtures("_handlers")
def test_a_job_is_not_run_twice_at_once_in_one_process() -> None:
    entered, again = threading.Event(), []

    @job("test.kind")
    def handler(run: JobRun) -> None:
        entered.set()
        again.append(dispatcher.run(run.job_id))

    assert dispatcher.run(enqueue("test.kind").pk)
    assert entered.is_set()
    assert again == [False]


@pytest.mark.django_db
@pytest.mark.usefixtures("_handlers")
def test_the_leases_of_jobs_that_run_here_are_renewed() -> None:
    renewed = []

    @job("test.kind")
    def handler(run: JobRun) -> None:
        before = Job.objects.get(pk=run.job_id).lease_until
        with time_machine.travel(timezone.now() + timedelta(minutes=1)):
            assert dispatcher.renew_leases() == 1
        renewed.append(Job.objects.get(pk=run.job_id).lease_until - before)

    assert dispatcher.renew_leases() == 0
    dispatcher.run(enqueue("test.kind").pk)
    assert renewed[0] > timedelta(seconds=50)
