import numpy as np
import pytest

from telemetry.model.errors import StoreBusy
from telemetry.store.limits import Refused
from telemetry.store.service_limits import ServiceLimit, ServiceLimits
from telemetry.store.settings import StoreSettings

NAMES = ["api", "web"]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def limits(clock: Clock | None = None, **row: int) -> ServiceLimits:
    return ServiceLimits(
        StoreSettings(max_series_per_service=5), lambda: {"api": ServiceLimit(**row)}, clock or Clock()
    )


def test_a_row_takes_the_place_of_the_setting_and_the_sentence_says_which():
    few = limits(max_series=2)
    few.check_series("up{}", "api", 1)
    with pytest.raises(Refused, match=r"series 3 of service 'api'; the limit is 2 \(Settings, Limits\)"):
        few.check_series("up{}", "api", 2)
    few.check_series("up{}", "web", 4)
    with pytest.raises(
        Refused, match=r"series 6 of service 'web'; the limit is 5 \(BELVEDERE_MAX_SERIES_PER_SERVICE\)"
    ):
        few.check_series("up{}", "web", 5)


def test_new_series_are_counted_by_the_hour():
    clock = Clock()
    few = limits(clock, new_series_per_hour=2)
    for _ in range(2):
        few.count_new("up{}", "api")
    with pytest.raises(Refused, match=r"new series 3 of service 'api' within an hour; the limit is 2"):
        few.count_new("up{}", "api")
    few.count_new("up{}", "web")
    clock.now += 3600
    few.count_new("up{}", "api")


def codes(api: int, web: int):
    return np.array([0] * api + [1] * web, np.int32)


def test_a_service_that_is_too_fast_is_told_to_come_back_and_may_when_time_has_passed():
    clock = Clock()
    slow = limits(clock, samples_per_second=10)
    slow.take_samples(NAMES, codes(600, 10_000))
    with pytest.raises(StoreBusy, match=r"service 'api' may send; the limit is 10 samples a second"):
        slow.take_samples(NAMES, codes(1, 0))
    slow.take_samples(NAMES, codes(0, 10_000))
    clock.now += 1
    slow.take_samples(NAMES, codes(10, 0))
    with pytest.raises(StoreBusy):
        slow.take_samples(NAMES, codes(1, 0))


def test_one_request_larger_than_the_limit_is_taken_when_nothing_is_owed():
    slow = limits(samples_per_second=1)
    slow.take_samples(NAMES, codes(100_000, 0))
    with pytest.raises(StoreBusy):
        slow.take_samples(NAMES, codes(1, 0))
