"""A job is a row first: it survives its worker, runs once, and says why it failed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from fleet import jobs
from fleet.models import Job

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_handlers", {})
    return


def state_of(row: Job) -> str:
    row.refresh_from_db()
    return row.state


def test_a_due_job_runs_with_its_arguments() -> None:
    seen = []

    @jobs.job("note")
    def note(run: jobs.JobRun, text: str) -> str:
        seen.append(text)
        return "noted"

    row = jobs.enqueue("note", arguments={"text": "hello"})
    assert jobs.due_jobs() == [row.pk]
    assert jobs.run_job(row.pk)
    assert seen == ["hello"]
    assert state_of(row) == Job.State.DONE
    assert row.message == "noted"


def test_a_job_of_the_future_waits() -> None:
    row = jobs.enqueue("note", run_at=timezone.now() + timedelta(hours=1))
    assert jobs.due_jobs() == []
    assert not jobs.run_job(row.pk)


def test_a_claimed_job_is_not_run_twice() -> None:
    calls = []
    row = jobs.enqueue("again")

    @jobs.job("again")
    def again(run: jobs.JobRun) -> None:
        calls.append(1)
        assert not jobs.run_job(row.pk)

    jobs.run_job(row.pk)
    assert calls == [1]


def test_a_failing_job_is_tried_again_later_and_then_given_up() -> None:
    @jobs.job("bad")
    def bad(run: jobs.JobRun) -> None:
        raise RuntimeError("no luck")

    row = jobs.enqueue("bad", max_attempts=2)
    jobs.run_job(row.pk)
    assert state_of(row) == Job.State.QUEUED
    assert row.run_at > timezone.now()
    assert row.message == "RuntimeError: no luck"
    Job.objects.filter(pk=row.pk).update(run_at=timezone.now())
    jobs.run_job(row.pk)
    assert state_of(row) == Job.State.FAILED


def test_a_handler_that_exits_the_process_only_fails_its_job() -> None:
    @jobs.job("exit")
    def leave(run: jobs.JobRun) -> None:
        raise SystemExit(3)

    row = jobs.enqueue("exit", max_attempts=1)
    assert jobs.run_job(row.pk)
    assert state_of(row) == Job.State.FAILED


def test_a_job_whose_worker_died_is_queued_again() -> None:
    row = jobs.enqueue("lost")
    Job.objects.filter(pk=row.pk).update(
        state=Job.State.RUNNING, attempts=1, lease_until=timezone.now() - timedelta(seconds=1)
    )
    assert jobs.requeue_expired() == 1
    assert state_of(row) == Job.State.QUEUED


def test_a_job_that_killed_its_worker_too_often_fails() -> None:
    row = jobs.enqueue("deadly", max_attempts=2)
    Job.objects.filter(pk=row.pk).update(
        state=Job.State.RUNNING, attempts=2, lease_until=timezone.now() - timedelta(seconds=1)
    )
    jobs.requeue_expired()
    assert state_of(row) == Job.State.FAILED


def test_a_running_job_stops_at_its_next_progress_note() -> None:
    @jobs.job("long")
    def long(run: jobs.JobRun) -> None:
        jobs.cancel(job_id=run.job_id)
        run.progress(0.5, "half way")
        pytest.fail("progress lets a cancelled job go on")

    row = jobs.enqueue("long")
    jobs.run_job(row.pk)
    assert state_of(row) == Job.State.CANCELLED


def test_the_same_key_is_enqueued_once() -> None:
    first = jobs.enqueue("daily", idempotency_key="daily:2026-11-22")
    assert jobs.enqueue("daily", idempotency_key="daily:2026-11-22").pk == first.pk


def test_a_kind_without_a_handler_fails_by_name() -> None:
    row = jobs.enqueue("nobody")
    jobs.run_job(row.pk)
    assert state_of(row) == Job.State.FAILED
    assert "'nobody'" in row.message
