"""The cluster profile: web process and workers on PostgreSQL, Redis and a ClickHouse server."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.browser.server import ROOT, environment
from tests.system import sender
from tests.system.server import Server, eventually

DATABASE_URL = os.environ.get("BELVEDERE_TEST_DATABASE_URL", "")
BROKER_URL = os.environ.get("BELVEDERE_TEST_BROKER_URL", "")
CACHE_URL = os.environ.get("BELVEDERE_TEST_CACHE_URL", "")

pytestmark = pytest.mark.skipif(
    not (DATABASE_URL and BROKER_URL and CACHE_URL), reason="BELVEDERE_TEST_{DATABASE,BROKER,CACHE}_URL are not set"
)


@pytest.fixture
def database_url() -> Iterator[str]:
    """A new database on the test server."""
    import psycopg

    name = f"belvedere_system_{secrets.token_hex(4)}"
    with psycopg.connect(DATABASE_URL, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield urlunsplit(urlsplit(DATABASE_URL)._replace(path=f"/{name}"))
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def telemetry_url(tmp_path: Path) -> Iterator[str]:
    """The embedded engine behind the ClickHouse HTTP protocol, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.clickhouse_server", str(tmp_path / "clickhouse"), "reader", "secret"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    port = int(process.stdout.readline())
    yield f"clickhouse://reader:secret@127.0.0.1:{port}/belvedere"
    process.kill()
    process.wait()


@pytest.fixture
def cluster(tmp_path: Path, database_url: str, telemetry_url: str) -> Iterator[Server]:
    """A web process that was started; workers are up to the test."""
    shared = {
        "BELVEDERE_DATABASE_URL": database_url,
        "BELVEDERE_TELEMETRY_URL": telemetry_url,
        "BELVEDERE_BROKER_URL": BROKER_URL,
        "BELVEDERE_CACHE_URL": CACHE_URL,
        "BELVEDERE_SECRET_KEY": secrets.token_urlsafe(64),
    }
    web = Server(tmp_path / "web", settings=shared).start()
    yield web
    assert web.stop() == 0


def start_worker(cluster: Server, data: Path) -> "subprocess.Popen[str]":
    with (data.parent / f"{data.name}.log").open("w") as stream:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "worker", "--data", str(data)],
            cwd=ROOT,
            stdout=stream,
            stderr=stream,
            text=True,
            env=environment(data) | cluster.settings,
        )


def scraping_processes(cluster: Server) -> set[int]:
    """Processes that share the targets."""
    names = "ScrapeWorker.objects.values_list('name', flat=True)"
    code = f"from fleet.models import ScrapeWorker; print(' '.join({names}))"
    done = cluster.command("shell", "-v", "0", "-c", code)
    assert done.returncode == 0, done.stderr
    return {int(name.rpartition("/")[2]) for name in done.stdout.split()}


def test_the_work_is_shared_by_workers_and_one_that_ends_leaves_it_to_the_other(
    cluster: Server, tmp_path: Path
) -> None:
    assert cluster.get("/readyz").json()["checks"]["worker"]["ok"] is False
    workers = {}
    for name in ("one", "two"):
        worker = start_worker(cluster, tmp_path / name)
        workers[worker.pid] = worker
    try:
        cluster.wait_ready()
        eventually(lambda: scraping_processes(cluster) == set(workers))
        _, ended = workers.popitem()
        ended.send_signal(signal.SIGTERM)
        assert ended.wait(40) == 0
        eventually(lambda: scraping_processes(cluster) == set(workers))
    finally:
        for worker in workers.values():
            worker.send_signal(signal.SIGTERM)
    assert [worker.wait(40) for worker in workers.values()] == [0]


def test_what_is_sent_to_a_web_process_is_read_back_and_discovered(cluster: Server, tmp_path: Path) -> None:
    worker = start_worker(cluster, tmp_path / "one")
    try:
        with sender.client(cluster.token) as client:
            body = sender.write_request("a", range(10), int(time.time() * 1000) - 10)
            assert sender.send(client, cluster.url, body) in (200, 204)
        query = {"query": f"count_over_time({sender.METRIC}[5m])"}
        result = eventually(lambda: cluster.get("/api/v1/query", params=query).json()["data"]["result"])
        assert result[0]["value"][1] == "10"
        eventually(lambda: '"sender"' in cluster.get("/api/services").text)
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(40) == 0


def test_a_command_that_needs_the_store_opens_the_server_itself(cluster: Server) -> None:
    done = cluster.command("logs")
    assert done.returncode == 0, done.stderr
