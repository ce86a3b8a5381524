"""Prometheus 3 sends to us by remote write 2.0, scrapes our federation page and reads our past."""

import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.browser.server import Running, free_port
from tests.peers.conftest import peer_program

pytestmark = pytest.mark.peer
WAIT_SECONDS = 60


def program() -> str:
    path = peer_program("prometheus")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30)
    if "version 3." not in version.stdout + version.stderr:
        pytest.skip("the Prometheus that is installed is older than 3 and knows no remote write 2.0")
    return path


@contextlib.contextmanager
def prometheus(folder: Path, server: Running) -> Iterator[str]:
    """A Prometheus that sends version 2.0 to us, scrapes /federate and asks us for what it does not hold."""
    address = f"127.0.0.1:{free_port()}"
    ours = server.url.removeprefix("http://")
    reading = {"credentials": server.query_token}
    config = folder / "prometheus.yml"
    config.write_text(
        json.dumps(
            {
                "global": {"scrape_interval": "1s"},
                "scrape_configs": [
                    {"job_name": "prometheus3", "static_configs": [{"targets": [address]}]},
                    {
                        "job_name": "federate",
                        "metrics_path": "/federate",
                        "honor_labels": True,
                        "params": {"match[]": ['{__name__=~"belvedere_.*"}']},
                        "authorization": reading,
                        "static_configs": [{"targets": [ours]}],
                    },
                ],
                "remote_write": [
                    {
                        "url": f"{server.url}/api/v1/write",
                        "protobuf_message": "io.prometheus.write.v2.Request",
                        "authorization": {"credentials": server.token},
                        "queue_config": {"batch_send_deadline": "1s"},
                        "write_relabel_configs": [{"source_labels": ["job"], "regex": "prometheus3", "action": "keep"}],
                    }
                ],
                "remote_read": [{"url": f"{server.url}/api/v1/read", "read_recent": True, "authorization": reading}],
            }
        )
    )
    command = [
        program(),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={address}",
        "--enable-feature=exemplar-storage,metadata-wal-records",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield address
    finally:
        process.terminate()
        process.wait(30)


def ours(server: Running, path: str, **query: str) -> object:
    headers = {"Authorization": f"Bearer {server.query_token}"}
    answer = httpx.get(f"{server.url}/api/v1/{path}", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    return data["result"] if isinstance(data, dict) and "result" in data else data


def theirs(address: str, query: str) -> list[dict]:
    return httpx.get(f"http://{address}/api/v1/query", params={"query": query}).json()["data"]["result"]


def eventually(ask: Callable[[], object], what: str) -> object:
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := ask()):
        assert time.monotonic() < deadline, what
        time.sleep(0.5)
    return found


@pytest.fixture(scope="module")
def sending(server: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with prometheus(tmp_path_factory.mktemp("prometheus3"), server) as address:
        eventually(lambda: ours(server, "query", query='up{job="prometheus3"}'), "nothing arrived by remote write 2.0")
        yield address


def test_what_it_sends_comes_back_with_its_own_labels(server: Running, sending: str) -> None:
    (series,) = ours(server, "query", query='up{job="prometheus3"}')
    assert series["metric"] == {"__name__": "up", "instance": sending, "job": "prometheus3"}


def test_nothing_of_it_is_refused(server: Running, sending: str) -> None:
    time.sleep(2)
    failed = theirs(sending, "sum(prometheus_remote_storage_samples_failed_total)")
    assert failed[0]["value"][1] == "0"
    written = theirs(sending, "sum(prometheus_remote_storage_samples_total)")
    assert float(written[0]["value"][1]) > 0


def test_metadata_stands_beside_the_series(server: Running, sending: str) -> None:
    name = "prometheus_http_requests_total"
    found = eventually(lambda: ours(server, "metadata", metric=name).get(name), "no metadata arrived")
    assert found[0]["type"] == "counter"


def test_it_scrapes_our_federation_page(server: Running, sending: str) -> None:
    eventually(lambda: theirs(sending, 'up{job="federate"} == 1'), "the federation page was not accepted")
    assert theirs(sending, 'count({__name__=~"belvedere_.*"})')


def test_it_reads_our_past(server: Running, sending: str) -> None:
    headers = {"Authorization": f"Bearer {server.token}"}
    page = f"only_here 7 {int(time.time() * 1000)}\n"
    pushed = httpx.post(f"{server.url}/api/metrics/batch", content=page, headers=headers)
    assert pushed.status_code == 204, pushed.text
    (series,) = eventually(lambda: theirs(sending, "only_here"), "remote read gave nothing")
    assert series["value"][1] == "7"
