from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils.module_loading import autodiscover_modules

from dashboard.models import ScheduledJob
from dashboard.runtime import schedule
from dashboard.runtime.schedule import CALENDAR, Periodic, enqueue_due, is_due
from fleet import jobs
from fleet.models import Job

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOURLY = (Periodic("test.hourly", every=timedelta(hours=1)),)


def queued() -> int:
    return Job.objects.filter(kind="test.hourly").count()


@pytest.mark.django_db
def test_a_periodic_job_is_queued_when_its_time_has_come() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        assert enqueue_due(HOURLY) == ["test.hourly"]
        assert enqueue_due(HOURLY) == []
        clock.shift(timedelta(minutes=59))
        assert enqueue_due(HOURLY) == []
        clock.shift(timedelta(minutes=1))
        assert enqueue_due(HOURLY) == ["test.hourly"]
    assert queued() == 2


@pytest.mark.django_db
def test_after_a_long_pause_a_periodic_job_is_caught_up_once() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        enqueue_due(HOURLY)
        clock.shift(timedelta(days=10))
        assert enqueue_due(HOURLY) == ["test.hourly"]
        assert enqueue_due(HOURLY) == []
    assert queued() == 2


@pytest.mark.django_db
def test_the_first_run_may_wait_a_while_after_the_first_start() -> None:
    calendar = (Periodic("test.hourly", every=timedelta(days=1), after=timedelta(minutes=5)),)
    with time_machine.travel(NOON, tick=False) as clock:
        assert enqueue_due(calendar) == []
        clock.shift(timedelta(minutes=5))
        assert enqueue_due(calendar) == ["test.hourly"]
        clock.shift(timedelta(hours=23))
        assert enqueue_due(calendar) == []
        clock.shift(timedelta(hours=1))
        assert enqueue_due(calendar) == ["test.hourly"]


@pytest.mark.django_db
def test_a_clock_that_was_set_back_does_not_stop_the_calendar() -> None:
    with time_machine.travel(NOON + timedelta(days=365), tick=False) as clock:
        enqueue_due(HOURLY)
        clock.move_to(NOON)
        assert enqueue_due(HOURLY) == ["test.hourly"]
        assert enqueue_due(HOURLY) == []


@pytest.mark.django_db
def test_of_two_processes_that_see_the_same_time_come_one_queues_the_job() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        enqueue_due(HOURLY)
        clock.shift(timedelta(hours=1))
        seen_by_the_second = ScheduledJob.objects.get(kind="test.hourly")
        assert enqueue_due(HOURLY) == ["test.hourly"]
        assert not schedule._claim(HOURLY[0], seen_by_the_second, NOON + timedelta(hours=1))
    assert queued() == 2


def test_a_run_is_due_when_its_time_has_passed_in_full() -> None:
    hour = timedelta(hours=1)
    assert not is_due(NOON, hour, NOON + hour - timedelta(microseconds=1))
    assert is_due(NOON, hour, NOON + hour)


def test_every_job_of_the_calendar_has_a_handler() -> None:
    autodiscover_modules("tasks")
    assert {entry.kind for entry in CALENDAR} <= set(jobs._handlers)
