from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from dashboard.runtime import heartbeat
from dashboard.self_watch.process_metrics import (
    DISK_SECONDS,
    ProcessMetrics,
    cpu_limit_cores,
    memory_limit_bytes,
    used_bytes,
)
from fleet.jobs import enqueue
from tests.dashboard.runtime.parts import Clock


def values(metrics: ProcessMetrics) -> dict[str, float]:
    """Value by name and labels, as exposed."""
    registry = CollectorRegistry()
    registry.register(metrics)
    lines = generate_latest(registry).decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


@pytest.mark.django_db
def test_the_process_says_what_it_uses_and_what_it_may_use(tmp_path: Path) -> None:
    (tmp_path / "telemetry" / "deep").mkdir(parents=True)
    (tmp_path / "telemetry" / "deep" / "part").write_bytes(b"x" * 1000)
    (tmp_path / "belvedere.sqlite3").write_bytes(b"x" * 10)
    enqueue("test.kind")
    heartbeat.beat("worker")
    found = values(ProcessMetrics(tmp_path))
    assert found['belvedere_data_bytes{part="telemetry"}'] == 1000
    assert found['belvedere_data_bytes{part="relational"}'] == 10
    assert found['belvedere_jobs{state="queued"}'] == 1
    assert found['belvedere_jobs{state="failed"}'] == 0
    assert found["belvedere_open_sessions"] == 0
    assert found["belvedere_database_up"] == 1
    assert 0 <= found["belvedere_worker_heartbeat_age_seconds"] < 60
    assert 0 < found["belvedere_data_free_bytes"] <= found["belvedere_data_total_bytes"]


def test_limits_are_those_of_the_machine_or_less() -> None:
    assert 0 < cpu_limit_cores() <= 4096
    assert memory_limit_bytes() > 2**20


@pytest.mark.django_db
def test_the_directory_is_walked_once_a_minute_only(tmp_path: Path) -> None:
    clock = Clock()
    metrics = ProcessMetrics(tmp_path, clock)
    assert values(metrics)['belvedere_data_bytes{part="relational"}'] == 0
    (tmp_path / "file").write_bytes(b"x")
    assert values(metrics)['belvedere_data_bytes{part="relational"}'] == 0
    clock.now += DISK_SECONDS + 1
    assert values(metrics)['belvedere_data_bytes{part="relational"}'] == 1


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    assert used_bytes(tmp_path) == {"relational": 0}
