"""`belvedere demo` against a running server: told, resumed after a kill, removed through the server."""

import signal
import subprocess
import sys
import time

import pytest

from tests.browser.server import ROOT, environment
from tests.system.server import Server, eventually

SMALL = ("demo", "--days", "1", "--services", "2")


def simulated(server: Server) -> list[str]:
    answer = server.get("/api/services", params={"limit": 100})
    return [row["name"] for row in answer.json()["items"] if row["origin"] == "simulated"]


def newest(server: Server, query: str) -> list[dict[str, object]]:
    answer = server.get("/api/v1/query", params={"query": query})
    return list(answer.json()["data"]["result"])


def test_a_fleet_comes_and_goes_by_one_command_each(running: Server) -> None:
    came = running.command(*SMALL)
    assert came.returncode == 0, came.stderr
    assert "100%" in came.stdout
    assert f"Look around at {running.url}" in came.stdout
    assert simulated(running) == ["checkout", "storefront"]
    assert {row["metric"]["service"] for row in newest(running, 'sum by (service) (up{environment!=""})')} == {
        "checkout",
        "storefront",
    }
    again = running.command("demo")
    assert again.returncode == 0, again.stderr
    other = running.command("demo", "--seed", "8")
    assert other.returncode == 1
    assert "a simulated fleet with --seed 7 is there already" in other.stderr
    gone = running.command("demo", "--remove")
    assert gone.returncode == 0, gone.stderr
    assert "2 simulated services removed" in gone.stdout
    assert simulated(running) == []
    assert newest(running, 'up{environment!=""}') == []
    assert not (running.data / "demo.json").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_was_stopped_is_completed_by_the_next(running: Server, number: int) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), "demo", "--days", "6", "--services", "8", "--data"]
    process = subprocess.Popen(
        [*command, str(running.data)], cwd=ROOT, env=environment(running.data), stdout=subprocess.PIPE
    )
    eventually((running.data / "demo.json").exists)
    time.sleep(0.5)
    process.send_signal(number)
    status = process.wait(30)
    assert status in (-number, 130)
    completed = running.command("demo")
    assert completed.returncode == 0, completed.stderr
    assert len(simulated(running)) == 8
    assert running.command("demo", "--remove").returncode == 0


def test_without_a_server_the_command_says_what_to_do(server: Server) -> None:
    answer = server.command(*SMALL)
    assert answer.returncode == 1
    assert "start `belvedere up` first" in answer.stderr
