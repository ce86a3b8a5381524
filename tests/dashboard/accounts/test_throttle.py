"""Guessing gets slow; the owner still gets in."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from dashboard.accounts.models import TotpDevice
from dashboard.accounts.throttle import (
    ACCOUNT_UNDER_PRESSURE,
    FREE_TRIES,
    FREE_TRIES_OF_A_PLACE,
    LONGEST_WAIT_SECONDS,
    Guard,
    wait_seconds,
)
from tests.dashboard.people import PASSWORD, make_enrolled

pytestmark = pytest.mark.django_db


@pytest.fixture
def cache_in_this_process(settings) -> None:
    """A cache whose clock the test moves and whose keys it sees."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "throttle"}}
    cache.clear()


def tries(guard: Guard, count: int) -> list[int]:
    return [guard.seconds_to_wait() for _ in range(count)]


def login(address: str, password: str = "wrong", username: str = "admin", client: Client | None = None):
    return (client or Client()).post("/login", {"username": username, "password": password}, REMOTE_ADDR=address)


@pytest.mark.parametrize(
    ("count", "seconds"), [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (14, 512), (15, 900), (1000, 900)]
)
def test_waits_double_up_to_a_quarter_of_an_hour(count: int, seconds: int) -> None:
    assert wait_seconds(count, 5) == seconds


@given(st.integers(0, 10**6), st.integers(1, 100), st.integers(1, 900))
def test_a_wait_never_shrinks_and_never_exceeds_the_limit(count: int, free: int, first: int) -> None:
    here, after = wait_seconds(count, free, first), wait_seconds(count + 1, free, first)
    assert 0 <= here <= after <= LONGEST_WAIT_SECONDS


def test_free_tries_then_a_wait_that_refused_tries_do_not_prolong(cache_in_this_process: None) -> None:
    guard = Guard("password", "admin", "net")
    assert tries(guard, FREE_TRIES) == [0] * FREE_TRIES
    assert tries(guard, 3) == [1, 1, 1]
    with time_machine.travel(timezone.now() + timedelta(seconds=2)):
        assert tries(guard, 2) == [0, 2]


def test_a_place_is_slowed_over_all_accounts() -> None:
    waits = [
        Guard("password", f"user-{number}", "net").seconds_to_wait() for number in range(FREE_TRIES_OF_A_PLACE + 1)
    ]
    assert waits[-1] == 1
    assert not any(waits[:-1])


def test_a_refusal_by_one_limit_leaves_the_others_untouched() -> None:
    for number in range(FREE_TRIES_OF_A_PLACE):
        Guard("password", f"user-{number}", "net").seconds_to_wait()
    refused = Guard("password", "admin", "net")
    assert tries(refused, 10) == [1] * 10
    elsewhere = Guard("password", "admin", "another net")
    assert tries(elsewhere, FREE_TRIES) == [0] * FREE_TRIES


def test_success_gives_the_tries_back() -> None:
    guard = Guard("password", "admin", "net")
    for _ in range(3 * FREE_TRIES_OF_A_PLACE):
        assert guard.seconds_to_wait() == 0
        guard.forgive()


def test_many_tries_at_once_are_not_all_judged() -> None:
    guard, barrier = Guard("password", "admin", "net"), threading.Barrier(20)

    def run(_: int) -> int:
        barrier.wait()
        return guard.seconds_to_wait()

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(run, range(20))).count(0) == FREE_TRIES


def test_an_account_under_pressure_hears_the_first_try_of_every_network() -> None:
    for number in range(ACCOUNT_UNDER_PRESSURE):
        Guard("password", "admin", f"net {number}").seconds_to_wait()
    attacker = Guard("password", "admin", "one more net")
    assert tries(attacker, 2) == [0, 64]
    assert Guard("password", "admin", "the owner's net").seconds_to_wait() == 0


def test_nothing_of_an_account_is_readable_in_the_cache(cache_in_this_process: None) -> None:
    Guard("password", "admin", "net").seconds_to_wait()
    assert len(cache._cache) == 3
    assert not [key for key in cache._cache if "admin" in key]


def test_a_thousand_guesses_from_fifty_addresses_are_slowed_and_the_owner_gets_in() -> None:
    person = make_enrolled()
    heard = sum(login(f"198.51.{number % 50}.7").status_code != 429 for number in range(1000))
    assert heard <= ACCOUNT_UNDER_PRESSURE + 50
    owner = login("203.0.113.9", PASSWORD)
    assert owner.headers["Location"] == "/login/factor"
    assert person.user.is_active


def test_the_owners_browser_gets_in_from_the_network_of_the_attacker() -> None:
    person = make_enrolled()
    browser = Client()
    login("198.51.100.7", PASSWORD, client=browser)
    browser.post("/login/factor", {"code": person.code()}, REMOTE_ADDR="198.51.100.7")
    browser.post("/logout")
    for _ in range(3 * FREE_TRIES_OF_A_PLACE):
        login("198.51.100.8")
    assert login("198.51.100.7", PASSWORD).status_code == 429
    assert login("198.51.100.7", PASSWORD, client=browser).headers["Location"] == "/login/factor"


def test_the_cookie_of_a_known_browser_frees_one_account_only() -> None:
    person = make_enrolled()
    make_enrolled("other")
    browser = Client()
    login("198.51.100.7", PASSWORD, client=browser)
    browser.post("/login/factor", {"code": person.code()}, REMOTE_ADDR="198.51.100.7")
    browser.post("/logout")
    statuses = [login("198.51.100.7", username="other", client=browser).status_code for _ in range(FREE_TRIES + 1)]
    assert statuses[-1] == 429


def test_a_forged_cookie_of_a_known_browser_counts_for_nothing() -> None:
    make_enrolled()
    client = Client()
    client.cookies["belvedere-known"] = "WyJhZG1pbiIsICJ4Il0:forged"
    assert [login("198.51.100.7", client=client).status_code for _ in range(6)][-1] == 429


def test_a_throttled_answer_says_when_and_is_the_same_for_unknown_names() -> None:
    make_enrolled()
    last = {
        name: [login(f"198.51.{third}.7", username=name) for _ in range(6)][-1]
        for third, name in enumerate(("admin", "nobody"))
    }
    assert {answer.status_code for answer in last.values()} == {429}
    assert {answer.headers["Retry-After"] for answer in last.values()} == {"1"}


def test_wrong_codes_make_the_authenticator_wait_but_not_the_recovery_codes() -> None:
    person = make_enrolled()
    device = TotpDevice.objects.get()
    for _ in range(3):
        TotpDevice.objects.update(throttling_failure_timestamp=timezone.now() - timedelta(hours=2))
        assert not device.verify_token("000000")
    device.refresh_from_db()
    assert device.locked_until() is not None
    assert not device.verify_token(person.code())
    assert device.throttling_failure_count == 3
    client = Client()
    login("198.51.100.7", PASSWORD, client=client)
    assert "A recovery code works now" in client.get("/login/factor").content.decode()
    assert client.post("/login/factor", {"code": person.recovery_codes[0]}).status_code == 302


def test_the_wait_of_an_authenticator_ends_after_an_hour_at_most() -> None:
    person = make_enrolled()
    TotpDevice.objects.update(throttling_failure_count=500, throttling_failure_timestamp=timezone.now())
    with time_machine.travel(timezone.now() + timedelta(seconds=3601)):
        assert TotpDevice.objects.get().verify_token(person.code())
    assert TotpDevice.objects.get().throttling_failure_count == 0


def test_ten_thousand_guesses_of_a_code_take_more_than_a_year() -> None:
    device = TotpDevice(throttling_failure_timestamp=timezone.now())
    waited = 0.0
    for count in range(1, 10_000):
        device.throttling_failure_count = count
        until = device.locked_until()
        waited += (until - device.throttling_failure_timestamp).total_seconds() if until else 0
    assert waited > 365 * 86400


def test_too_many_password_checks_at_once_ask_to_come_back(monkeypatch) -> None:
    from dashboard.accounts import passwords

    make_enrolled()
    monkeypatch.setattr(passwords, "LONGEST_QUEUE_SECONDS", 0)
    for _ in range(passwords.AT_ONCE):
        passwords._turns.acquire()
    try:
        response = login("198.51.100.7", PASSWORD)
    finally:
        for _ in range(passwords.AT_ONCE):
            passwords._turns.release()
    assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
