"""Use is counted by day from counters and gauges, once each, and only while something reported."""

from datetime import date
from decimal import Decimal

import pytest

from dashboard.panels.measured_use import measured_use
from policies.costs.spread import first_second
from telemetry.store import TelemetryStore
from tests.series import write_series

MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
START = first_second(MONDAY) * 1000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
GIB = 2**30
EVERYTHING = frozenset({"vcpu_hour", "gib_hour", "gib_month_stored", "replica_hour"})


def counter(start_ms: int, hours: int, per_second: float, at: float = 0.0) -> list[tuple[int, float]]:
    return [(start_ms + m * MINUTE, at + m * 60 * per_second) for m in range(hours * 60 + 1)]


def gauge(start_ms: int, hours: int, value: float) -> list[tuple[int, float]]:
    return [(start_ms + m * MINUTE, value) for m in range(hours * 60 + 1)]


def use(
    store: TelemetryStore, unit: str, *, days: tuple[date, ...] = (MONDAY, TUESDAY), now_ms: int = START + 10 * DAY
) -> dict[tuple[str, str, date], float]:
    rows = measured_use(store, days, EVERYTHING, now_ms)
    return {(row.service, row.environment, row.day): float(row.quantity) for row in rows if row.unit == unit}


def test_cpu_seconds_of_a_day_become_core_hours(store: TelemetryStore) -> None:
    write_series(
        store, ("process_cpu_seconds_total", {"job": "mail", "environment": "production"}, counter(START, 48, 0.5))
    )
    found = use(store, "vcpu_hour")
    assert found == {
        ("mail", "production", MONDAY): pytest.approx(12, rel=1e-3),
        ("mail", "production", TUESDAY): pytest.approx(12, rel=1e-3),
    }


def test_a_restarted_counter_goes_on(store: TelemetryStore) -> None:
    points = [*counter(START, 12, 1.0), *counter(START + 12 * HOUR + MINUTE, 11, 1.0)]
    write_series(store, ("process_cpu_seconds_total", {"job": "mail"}, points))
    assert use(store, "vcpu_hour")["mail", "", MONDAY] == pytest.approx(23, rel=5e-3)


def test_memory_counts_only_while_it_was_held(store: TelemetryStore) -> None:
    write_series(store, ("process_resident_memory_bytes", {"job": "mail"}, gauge(START + 3 * HOUR, 2, 4 * GIB)))
    assert use(store, "gib_hour") == {("mail", "", MONDAY): pytest.approx(8, rel=0.05)}


def test_replicas_add_up(store: TelemetryStore) -> None:
    write_series(
        store,
        *(
            ("process_resident_memory_bytes", {"job": "mail", "instance": f"{n}"}, gauge(START, 24, GIB))
            for n in range(3)
        ),
        *(("up", {"job": "mail", "instance": f"{n}"}, gauge(START, 24, 1)) for n in range(3)),
    )
    assert use(store, "gib_hour")["mail", "", MONDAY] == pytest.approx(72, rel=0.01)
    assert use(store, "replica_hour")["mail", "", MONDAY] == pytest.approx(72, rel=0.01)


def test_containers_win_over_processes_and_their_totals_are_not_counted_twice(store: TelemetryStore) -> None:
    labels = {"job": "kubelet", "service": "mail", "namespace": "staging"}
    write_series(
        store,
        ("container_memory_working_set_bytes", {**labels, "container": "app"}, gauge(START, 24, 2 * GIB)),
        ("container_memory_working_set_bytes", labels, gauge(START, 24, 2 * GIB)),
        ("container_memory_working_set_bytes", {**labels, "container": "POD"}, gauge(START, 24, GIB)),
        ("process_resident_memory_bytes", labels, gauge(START, 24, GIB)),
    )
    assert use(store, "gib_hour") == {
        ("mail", "staging", MONDAY): pytest.approx(48, rel=0.01),
        ("mail", "staging", TUESDAY): pytest.approx(0, abs=0.3),
    }


def test_a_gib_stored_all_day_is_a_thirtieth_of_a_month(store: TelemetryStore) -> None:
    write_series(store, ("kubelet_volume_stats_used_bytes", {"service": "db"}, gauge(START, 24, GIB)))
    assert use(store, "gib_month_stored")["db", "", MONDAY] == pytest.approx(24 / 730, rel=0.01)


def test_the_day_that_is_not_over_counts_up_to_now(store: TelemetryStore) -> None:
    write_series(
        store,
        ("process_cpu_seconds_total", {"job": "mail"}, counter(START, 30, 1.0)),
        ("process_resident_memory_bytes", {"job": "mail"}, gauge(START, 30, GIB)),
    )
    now_ms = START + 30 * HOUR
    days = (MONDAY, TUESDAY, WEDNESDAY)
    assert use(store, "vcpu_hour", days=days, now_ms=now_ms)["mail", "", TUESDAY] == pytest.approx(6, rel=1e-2)
    assert use(store, "gib_hour", days=days, now_ms=now_ms)["mail", "", TUESDAY] == pytest.approx(6, rel=1e-2)


def test_a_minute_after_the_start_something_is_known(store: TelemetryStore) -> None:
    noon = START + 12 * HOUR
    write_series(
        store, ("process_resident_memory_bytes", {"job": "mail"}, [(noon + s * 1000, GIB) for s in (0, 15, 30, 45)])
    )
    (row,) = [
        row for row in measured_use(store, [MONDAY], frozenset({"gib_hour"}), noon + MINUTE) if row.unit == "gib_hour"
    ]
    assert Decimal(1) / 61 < row.quantity < Decimal(2) / 59


def test_nothing_measured_is_no_use(store: TelemetryStore) -> None:
    assert measured_use(store, [MONDAY], EVERYTHING, START + DAY) == []
    assert measured_use(store, [MONDAY], EVERYTHING, START - DAY) == []
