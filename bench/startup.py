"""How long `belvedere up` takes to its first page, and what it costs to let it idle.

    python bench/startup.py [--idle SECONDS] [--again]

Starts the server on a new data directory and a free port, asks for the login page until it comes with its
style sheet, leaves it alone, and prints memory and processor time of the idle minute. `--again` starts a
second time on the same directory: the usual start, without migrations and static files.
"""

import argparse
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
FIRST_PAGE_SECONDS = 10.0
IDLE_BYTES = 700 * 1000**2


@dataclass(frozen=True)
class Start:
    """One start. Memory is the resident set at the end of the idle time; CPU is a share of one core in it."""

    kind: str
    first_page_seconds: float
    idle_seconds: int
    resident_mb: float
    idle_cpu_percent: float
    threads: int
    written_mb: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idle", type=int, default=60, metavar="SECONDS")
    parser.add_argument("--again", action="store_true", help="also measure the second start")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="belvedere-bench-") as directory:
        kinds = ["first", "second"] if options.again else ["first"]
        starts = [measure(kind, Path(directory), options.idle) for kind in kinds]
    for start in starts:
        print(json.dumps(asdict(start)) if options.json else sentence(start))
    return 0 if all(map(within_targets, starts)) else 1


def measure(kind: str, directory: Path, idle_seconds: int) -> Start:
    port = free_port()
    command = [sys.executable, "manage.py", "up", "--data", str(directory), "--listen", f"127.0.0.1:{port}"]
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_page(port, process)
        first_page_seconds = time.monotonic() - began
        server = psutil.Process(process.pid)
        before, written = server.cpu_times(), server.io_counters().write_bytes
        time.sleep(idle_seconds)
        after = server.cpu_times()
        busy = (after.user + after.system) - (before.user + before.system)
        return Start(
            kind=kind,
            first_page_seconds=round(first_page_seconds, 2),
            idle_seconds=idle_seconds,
            resident_mb=round(server.memory_info().rss / 1e6, 1),
            idle_cpu_percent=round(100 * busy / idle_seconds, 2) if idle_seconds else 0.0,
            threads=server.num_threads(),
            written_mb=round((server.io_counters().write_bytes - written) / 1e6, 2),
        )
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_for_page(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until the login page and its style sheet come with status 200."""
    while process.poll() is None:
        try:
            page = get(port, "/login")
            sheet = re.search(rb'href="(/static/[^"]+\.css)"', page)
            if sheet and get(port, sheet.group(1).decode()):
                return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"the server ended with status {process.returncode}")


def get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise SystemExit(f"GET {path}: status {answer.status}")
    return body


def within_targets(start: Start) -> bool:
    return start.first_page_seconds < FIRST_PAGE_SECONDS and start.resident_mb * 1e6 < IDLE_BYTES


def sentence(start: Start) -> str:
    return (
        f"{start.kind} start: first page after {start.first_page_seconds:.2f} s (target {FIRST_PAGE_SECONDS:.0f}); "
        f"after {start.idle_seconds} s idle {start.resident_mb:.0f} MB resident (target {IDLE_BYTES / 1e6:.0f}), "
        f"{start.idle_cpu_percent:.1f} % of one core, {start.threads} threads, {start.written_mb:.1f} MB written"
    )


if __name__ == "__main__":
    sys.exit(main())
