"""One code, many requests at once: one is accepted, and no request fails for another's sake."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from dashboard.accounts.models import RecoveryDevice, TotpDevice
from tests.dashboard.people import make_enrolled

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 6


def at_once(work: Callable[[], bool]) -> list[bool]:
    """What `work` returned in each of several threads that started together."""
    barrier = threading.Barrier(THREADS)

    def run(_: int) -> bool:
        try:
            barrier.wait()
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


@pytest.mark.parametrize("_round", range(5))
def test_an_authenticator_code_is_accepted_once(_round: int) -> None:
    person = make_enrolled()
    code, pk = person.code(), TotpDevice.objects.get().pk
    assert sorted(at_once(lambda: TotpDevice.objects.get(pk=pk).verify_token(code))) == [False] * (THREADS - 1) + [True]


@pytest.mark.parametrize("_round", range(5))
def test_a_recovery_code_is_accepted_once(_round: int) -> None:
    person = make_enrolled()
    code, pk = person.recovery_codes[3], RecoveryDevice.objects.get().pk
    assert at_once(lambda: RecoveryDevice.objects.get(pk=pk).verify_token(code)).count(True) == 1
    assert RecoveryDevice.objects.get().codes_left == 9


def test_guesses_at_once_count_one_by_one() -> None:
    make_enrolled()
    pk = TotpDevice.objects.get().pk
    at_once(lambda: TotpDevice.objects.get(pk=pk).verify_token("000000"))
    # the first starts a wait, in which the others are not even looked at
    assert TotpDevice.objects.get().throttling_failure_count == 1
