"""Prometheus' own client against the API, over a real socket."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from fleet.tokens import create_token
from telemetry.store import TelemetryStore
from tests.series import write_series
from tests.telemetry.batches import NOW_MS

PEERS = os.environ.get("BELVEDERE_TEST_PEERS", "/nonexistent")
PROMTOOL = shutil.which("promtool") or shutil.which("promtool", path=f"{PEERS}{os.pathsep}{PEERS}/usr/bin")

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(PROMTOOL is None, reason="no promtool on the PATH nor in BELVEDERE_TEST_PEERS"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def address(live_server, store: TelemetryStore) -> str:
    """The server with a token in its address, which promtool sends as a password."""
    points = [(NOW_MS - minute * 60_000, 10.0 * (10 - minute)) for minute in range(10)]
    write_series(store, ("jobs_total", {"zone": "a"}, points), ("jobs_total", {"zone": "b"}, points))
    _, token = create_token(name="promtool", scopes=("query",), actor="system")
    return live_server.url.replace("://", f"://any:{token}@")


def promtool(*arguments: str) -> str:
    assert PROMTOOL is not None
    run = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, timeout=60, cwd=Path("/"))
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_promtool_reads_an_instant_vector(address: str) -> None:
    output = promtool("query", "instant", f"--time={NOW_MS // 1000}", address, "sum by (zone) (jobs_total)")
    assert output.splitlines() == [
        f'{{zone="a"}} => 100 @[{NOW_MS // 1000}]',
        f'{{zone="b"}} => 100 @[{NOW_MS // 1000}]',
    ]


def test_promtool_reads_a_range(address: str) -> None:
    span = (f"--start={NOW_MS // 1000 - 60}", f"--end={NOW_MS // 1000}", "--step=60s")
    output = promtool("query", "range", *span, address, 'rate(jobs_total{zone="a"}[5m]) * 60')
    assert output.splitlines() == [
        '{zone="a"} =>',
        f"10 @[{NOW_MS // 1000 - 60}]",
        f"10 @[{NOW_MS // 1000}]",
    ]


def test_promtool_lists_series_and_labels(address: str) -> None:
    assert promtool("query", "series", "--match=jobs_total", address).splitlines() == [
        '{__name__="jobs_total", zone="a"}',
        '{__name__="jobs_total", zone="b"}',
    ]
    assert promtool("query", "labels", address, "zone").split() == ["a", "b"]


def test_promtool_shows_our_error(address: str) -> None:
    assert PROMTOOL is not None
    run = subprocess.run([PROMTOOL, "query", "instant", address, "sum("], capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert "1:5: parse error: unclosed left parenthesis" in run.stderr
