"""What is acknowledged is kept: through a clean stop, through `kill -9`, through both again."""

import itertools
import signal
import socket
import threading
import time

import pytest

from tests.system import sender
from tests.system.server import Server, eventually

PER_REQUEST = 50


def push(server: Server, series: str, first_ms: int, acknowledged: set[int], stop: threading.Event) -> None:
    """Send numbered samples until told to stop or the server is gone; note the numbers that were acknowledged."""
    with sender.client(server.token) as client:
        for start in itertools.count(0, PER_REQUEST):
            numbers = range(start, start + PER_REQUEST)
            status = sender.send(client, server.url, sender.write_request(series, numbers, first_ms))
            if status // 100 == 2:
                acknowledged.update(numbers)
            if status == 0 or stop.is_set():
                return


def stored(server: Server, series: str) -> set[int]:
    """Numbers of the samples that can be read."""
    query = f'{sender.METRIC}{{series="{series}"}}[2h]'
    answer = server.get("/api/v1/query", params={"query": query})
    assert answer.status_code == 200, answer.text
    result = answer.json()["data"]["result"]
    return {int(float(value)) for _, value in result[0]["values"]} if result else set()


def interrupted(server: Server, series: str, number: int) -> tuple[set[int], int]:
    """Push from three senders, send the signal in the midst of it; (acknowledged numbers, exit status)."""
    first_ms = int(time.time() * 1000) - sender.FIRST_MS_AGO
    acknowledged: list[set[int]] = [set(), set(), set()]
    stop = threading.Event()
    threads = [
        threading.Thread(target=push, args=(server, f"{series}{index}", first_ms, numbers, stop))
        for index, numbers in enumerate(acknowledged)
    ]
    for thread in threads:
        thread.start()
    while not all(len(numbers) > 10 * PER_REQUEST for numbers in acknowledged):
        time.sleep(0.01)
        assert any(thread.is_alive() for thread in threads), server.events[-3000:]
    status = server.end(number)
    stop.set()
    for thread in threads:
        thread.join()
    return {number * 3 + index for index, numbers in enumerate(acknowledged) for number in numbers}, status


def found(server: Server, series: str) -> set[int]:
    return {number * 3 + index for index in range(3) for number in stored(server, f"{series}{index}")}


def test_what_was_acknowledged_before_kill_9_is_there_after_a_restart_without_repair(server: Server) -> None:
    server.start()
    for series in ("first", "second"):
        acknowledged, status = interrupted(server, series, signal.SIGKILL)
        assert status == -signal.SIGKILL
        server.start()
        assert "BELVEDERE_TOKEN=" not in server.said
        missing = acknowledged - found(server, series)
        assert not missing, f"{len(missing)} of {len(acknowledged)} acknowledged samples are lost"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_clean_stop_commits_what_was_accepted_and_ends_with_status_0(server: Server, number: int) -> None:
    server.start()
    acknowledged, status = interrupted(server, "clean", number)
    assert status == 0
    assert "Traceback" not in server.events
    server.start()
    assert acknowledged <= found(server, "clean")


def test_a_second_signal_ends_the_process_at_once(server: Server) -> None:
    server.start()
    assert server.process is not None
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(half_a_request(server.token))
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        assert server.process.poll() is None, "it should still wait for the request in work"
        assert server.end(signal.SIGTERM) == 128 + signal.SIGTERM
    server.start()
    server.wait_ready()


def half_a_request(token: str) -> bytes:
    """Head and half the body of a push."""
    head = f"POST /loki/api/v1/push HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: 20\r\n\r\n0123456789".encode()


def test_a_job_that_a_killed_process_was_running_is_taken_up_again(server: Server) -> None:
    server.start()
    server.kill()
    lease = "lease_until=timezone.now() + timedelta(hours=1)"
    shell(server, f"Job.objects.create(kind='runtime.tidy_up', state='running', run_at=timezone.now(), {lease})")
    server.start()
    eventually(lambda: "done" in shell(server, "print(Job.objects.get(kind='runtime.tidy_up').state)"))


def shell(server: Server, code: str) -> str:
    imports = "from datetime import timedelta; from django.utils import timezone; from fleet.models import Job"
    done = server.command("shell", "-v", "0", "-c", f"{imports}; {code}")
    assert done.returncode == 0, done.stderr
    return done.stdout
