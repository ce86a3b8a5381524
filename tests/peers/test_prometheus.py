"""Debian's Prometheus sends to us by remote write, and its promtool reads back."""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.browser.server import Running, free_port
from tests.peers.conftest import peer_program

pytestmark = pytest.mark.peer
WAIT_SECONDS = 60


@contextlib.contextmanager
def prometheus(folder: Path, server: Running) -> Iterator[str]:
    """A Prometheus that scrapes itself every second and sends everything to us."""
    address = f"127.0.0.1:{free_port()}"
    config = folder / "prometheus.yml"
    config.write_text(
        json.dumps(  # JSON is YAML
            {
                "global": {"scrape_interval": "1s"},
                "scrape_configs": [{"job_name": "prometheus", "static_configs": [{"targets": [address]}]}],
                "remote_write": [
                    {
                        "url": f"{server.url}/api/v1/write",
                        "authorization": {"credentials": server.token},
                        "queue_config": {"batch_send_deadline": "1s"},
                    }
                ],
            }
        )
    )
    command = [
        peer_program("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={address}",
        f"--web.console.templates={folder}",
        f"--web.console.libraries={folder}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield address
    finally:
        process.terminate()
        process.wait(30)


def query(server: Running, text: str) -> list[dict]:
    answer = httpx.get(
        f"{server.url}/api/v1/query", params={"query": text}, headers={"Authorization": f"Bearer {server.query_token}"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["result"]


@pytest.fixture(scope="module")
def sending(server: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with prometheus(tmp_path_factory.mktemp("prometheus"), server) as address:
        deadline = time.monotonic() + WAIT_SECONDS
        while not query(server, 'up{job="prometheus"}'):
            assert time.monotonic() < deadline, "nothing arrived by remote write"
            time.sleep(0.5)
        yield address


def test_what_prometheus_sends_comes_back_with_its_own_labels(server: Running, sending: str) -> None:
    (series,) = query(server, 'up{job="prometheus"}')
    assert series["metric"] == {"__name__": "up", "instance": sending, "job": "prometheus"}
    assert series["value"][1] == "1"


def test_both_answer_the_same_number_of_series(server: Running, sending: str) -> None:
    time.sleep(3)
    theirs = httpx.get(f"http://{sending}/api/v1/query", params={"query": "count(prometheus_build_info)"}).json()
    (ours,) = query(server, 'count(prometheus_build_info{job="prometheus"})')
    assert ours["value"][1] == theirs["data"]["result"][0]["value"][1]


def test_promtool_reads_an_instant_query(server: Running, sending: str) -> None:
    address = server.url.replace("http://", f"http://belvedere:{server.query_token}@")
    command = [peer_program("promtool"), "query", "instant", address, 'up{job="prometheus"}']
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert 'up{instance="' in result.stdout
    assert "=> 1 @" in result.stdout
