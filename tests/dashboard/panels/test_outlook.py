"""The outlook of a workload from samples in the store."""

from dashboard.panels.outlook import outlooks
from telemetry.store import TelemetryStore
from tests.series import write_series

HOUR_MS = 3_600_000
END_MS = 1_767_225_600_000
LABELS = {"service": "shop", "namespace": "production"}


def send_memory(store: TelemetryStore, days: int, limit: float) -> None:
    times = [END_MS - HOUR_MS * age for age in range(days * 24 - 1, -1, -1)]
    used = [(at, 100.0 + number / 24) for number, at in enumerate(times)]
    write_series(
        store,
        ("process_resident_memory_bytes", LABELS, used),
        ("container_spec_memory_limit_bytes", {**LABELS, "container": "app"}, [(at, limit) for at in times]),
    )


def test_a_steady_growth_reaches_its_limit_when_it_must(store) -> None:
    send_memory(store, 12, 115.0)
    memory = outlooks(store, "shop", "production", END_MS)[1]
    assert "expected to reach its limit in 3 days" in memory.sentence
    assert "8 held-out days" in memory.sentence
    assert [trace["name"] for trace in memory.figure["data"]][-2:] == ["recorded", "expected"]


def test_a_short_history_and_a_missing_metric_say_so_instead_of_guessing(store) -> None:
    send_memory(store, 2, 115.0)
    cpu, memory = outlooks(store, "shop", "production", END_MS)
    assert (cpu.figure, memory.figure) == (None, None)
    assert "0 days are recorded" in cpu.sentence
    assert "2 days are recorded" in memory.sentence
