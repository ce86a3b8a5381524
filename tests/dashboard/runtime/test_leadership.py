from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import OperationalError

from dashboard.models import Lease
from dashboard.runtime import leadership
from dashboard.runtime.heartbeat import process_name
from dashboard.runtime.leadership import LEASE_SECONDS, ElectedPart, acquire, release
from tests.dashboard.runtime.parts import Clock, NotingPart

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_a_lease_is_held_by_one_until_it_runs_out() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        assert acquire("scraper", "a/1", 30)
        assert not acquire("scraper", "b/2", 30)
        clock.shift(timedelta(seconds=20))
        assert acquire("scraper", "a/1", 30)
        clock.shift(timedelta(seconds=20))
        assert not acquire("scraper", "b/2", 30)
        clock.shift(timedelta(seconds=11))
        assert acquire("scraper", "b/2", 30)
        assert not acquire("scraper", "a/1", 30)


@pytest.mark.django_db
def test_a_released_lease_is_free_at_once() -> None:
    acquire("scraper", "a/1", 30)
    release("scraper", "b/2")
    assert not acquire("scraper", "b/2", 30)
    release("scraper", "a/1")
    assert acquire("scraper", "b/2", 30)


@pytest.mark.django_db
def test_an_elected_part_runs_while_the_lease_is_held() -> None:
    part = NotingPart("scraper", [])
    elected = ElectedPart(part)
    elected.look()
    elected.look()
    assert part.notes == ["start scraper"]
    Lease.objects.update(holder="another/1")
    elected.look()
    assert part.notes == ["start scraper", "stop scraper"]


@pytest.mark.django_db
def test_an_elected_part_does_not_start_while_another_process_holds_the_lease() -> None:
    acquire("scraper", "another/1", 30)
    part = NotingPart("scraper", [])
    ElectedPart(part).look()
    assert part.notes == []


@pytest.mark.django_db
def test_an_elected_part_that_died_is_started_again() -> None:
    part = NotingPart("scraper", [])
    elected = ElectedPart(part)
    elected.look()
    part.lives = False
    elected.look()
    assert part.notes == ["start scraper", "start scraper"]


@pytest.mark.django_db
def test_an_elected_part_ends_before_the_lease_does_when_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> bool:
        raise OperationalError

    class NoConnections:
        def close_all(self) -> None:
            pass

    part, clock = NotingPart("scraper", []), Clock()
    elected = ElectedPart(part, clock)
    elected.look()
    monkeypatch.setattr(leadership, "acquire", away)
    monkeypatch.setattr(leadership, "connections", NoConnections())
    clock.now += LEASE_SECONDS / 2
    elected.look()
    assert part.alive()
    clock.now += LEASE_SECONDS / 2 - 1
    elected.look()
    assert not part.alive()


@pytest.mark.django_db(transaction=True)
def test_a_stopped_election_gives_the_lease_back() -> None:
    part = NotingPart("scraper", [])
    elected = ElectedPart(part)
    elected.start()
    assert elected.alive()
    assert elected.stop(10)
    assert not part.alive()
    assert not Lease.objects.filter(holder=process_name()).exists()
