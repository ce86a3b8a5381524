"""Several processes share the targets: each target is scraped by one, and by another when that one is gone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.pull.membership import View
from collectors.pull.scraper import Scraper
from collectors.pull.shards import Member, owner, sharing
from collectors.pull.targets import target_at
from fleet.actions.targets import add_target
from fleet.models import ScrapeWorker
from tests.collectors.pull.test_scraper import Read, wait_for
from tests.collectors.web_server import reply

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MARGIN = timedelta(seconds=10)
IDENTITIES = [f"target {number}" for number in range(300)]
TARGETS = {name: target_at(f"http://{name.replace(' ', '-')}:9100/metrics") for name in IDENTITIES}


def member(name: str, joins: int = -60, until: int = 30) -> Member:
    return Member(name, NOW + timedelta(seconds=joins), NOW + timedelta(seconds=until))


def shares(members: list[Member], seconds: int = 0) -> dict[str, set[str]]:
    now = NOW + timedelta(seconds=seconds)
    return {each.name: set(View(each.name, tuple(members), MARGIN).share(TARGETS, now)) for each in members}


def test_every_target_belongs_to_exactly_one_and_about_evenly() -> None:
    found = shares([member("a"), member("b"), member("c")])
    assert sorted(name for share in found.values() for name in share) == sorted(IDENTITIES)
    assert all(60 < len(share) < 140 for share in found.values())


@given(st.sets(st.sampled_from("abcdefgh"), min_size=2), st.data())
def test_only_targets_of_the_one_that_goes_move(names: set[str], data) -> None:
    gone = data.draw(st.sampled_from(sorted(names)))
    for identity in IDENTITIES[:40]:
        before = owner(identity, tuple(sorted(names)))
        if before != gone:
            assert owner(identity, tuple(sorted(names - {gone}))) == before


@given(st.integers(min_value=-30, max_value=60), st.integers(min_value=-5, max_value=5))
def test_no_target_is_ever_scraped_twice_while_one_joins(seconds: int, apart: int) -> None:
    """Two processes look at most a refresh (half a margin) apart."""
    members = [member("a", until=1000), member("b", joins=20, until=1000)]
    assert not shares(members, seconds)["a"] & shares(members, seconds + apart)["b"]


def test_a_process_whose_lease_runs_out_stops_before_others_take_over() -> None:
    members = [member("a", until=30), member("b", until=1000)]
    assert shares(members, 19)["a"]
    assert not shares(members, 20)["a"]
    assert not shares(members, 29)["b"] & shares(members, 19)["a"]
    assert shares(members, 31)["b"] == set(IDENTITIES)


def test_the_dead_and_those_that_have_not_joined_have_no_share() -> None:
    assert sharing([member("a"), member("dead", until=-1), member("new", joins=5)], NOW) == ("a",)


@pytest.fixture
def two(settings, store) -> Iterator[tuple[Scraper, Scraper]]:
    settings.SCRAPE_SECONDS, settings.SCRAPE_COMMIT = 1, 0.02
    running = tuple(Scraper(loopback=True, refresh_seconds=0.2, shared=True, worker=name) for name in "ab")
    for each in running:
        each.start()
    yield running
    for each in running:
        assert each.stop(10)


@pytest.mark.django_db(transaction=True)
def test_two_scrapers_share_the_targets_and_one_takes_over_what_the_other_leaves(two, store, serve) -> None:
    served = serve(lambda handler: reply(handler, b"a 1\n"))
    for number in range(12):
        add_target(url=f"{served.url}/metrics/{number}", job=f"j{number}", actor="test")
    first, second = two
    wait_for(lambda: len(first.states) + len(second.states) == 12 and first.states and second.states)
    assert not first.states.keys() & second.states.keys()
    wait_for(lambda: len(Read(store, "a")) == 12)
    assert first.stop(10)
    wait_for(lambda: len(second.states) == 12)
    assert [row.name for row in ScrapeWorker.objects.all()] == ["b"]
    assert all(None not in values for values in Read(store, "a").values)


@pytest.mark.django_db(transaction=True)
def test_what_a_dead_process_had_is_taken_over_when_its_lease_is_over(two, store, serve) -> None:
    served = serve(lambda handler: reply(handler, b"a 1\n"))
    first, second = two
    wait_for(lambda: ScrapeWorker.objects.count() == 2)
    assert first.stop(10)
    now = datetime.now(tz=UTC)
    ScrapeWorker.objects.create(name="dead", joins_at=now - timedelta(1), until=now + timedelta(seconds=3))
    for number in range(12):
        add_target(url=f"{served.url}/metrics/{number}", job="j", actor="test")
    wait_for(lambda: 0 < len(second.states) < 12)
    wait_for(lambda: len(second.states) == 12)
