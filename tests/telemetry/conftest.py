"""A store on a ClickHouse server, one a test process, for the tests that run on both kinds of URL."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry.store import StoreSettings, TelemetryStore
from tests.conftest import service_of
from tests.environment import DATA

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A ClickHouse server (see tests/clickhouse_server.py) in a process of its own."""
    arguments = [sys.executable, "-m", "tests.clickhouse_server", str(DATA / "server"), "belvedere", "p@ss word"]
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    yield f"clickhouse://belvedere:p%40ss%20word@127.0.0.1:{port}/telemetry_tests"
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def server_store(server_url: str) -> Iterator[TelemetryStore]:
    store = TelemetryStore.open(server_url, StoreSettings(fsync=False, group_commit_ms=1), resolve_service=service_of)
    yield store
    store.close()
