"""Remote write 1.0 into Belvedere and into peers, the same bytes in turns: processor time, bytes a sample, memory.

    python bench/remote_write.py [--pack FILE] [--runs 5] [--senders 1] [--victoria-metrics FILE] [--prometheus FILE]

Every run starts its target on a new data directory, sends every request of the pack once, waits until the target is
quiet, and weighs what lies on the disk before and after its parts are merged. Targets take turns, so that other load
on the machine meets all of them; medians are printed, and the ratio of ours to each peer's.

Without --pack a fleet is generated: series of counters, gauges and fractions, scraped every 15 s up to now.
"""

import argparse
import http.client
import json
import os
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cramjam
import numpy as np
import psutil

ROOT = Path(__file__).resolve().parent.parent
BELVEDERE = Path(sys.executable).parent / "belvedere"
HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


@dataclass(frozen=True)
class Request:
    body: bytes
    samples: int
    shard: int
    """Requests of one shard are sent in order, by one sender."""


@dataclass
class Target:
    """A started server."""

    name: str
    address: str
    process: subprocess.Popen[bytes]
    data: Path
    weigh: Callable[["Target"], tuple[int, int]]
    """Bytes on disk (as they are, merged)."""
    headers: dict[str, str] = field(default_factory=dict)


def main() -> None:
    options = arguments()
    requests = read_pack(options.pack) if options.pack else generate(options.series, options.scrapes)
    starters: dict[str, Callable[[], Target]] = {"belvedere": start_belvedere}
    if options.victoria_metrics:
        starters["victoria-metrics"] = lambda: start_victoria_metrics(options.victoria_metrics)
    if options.prometheus:
        starters["prometheus"] = lambda: start_prometheus(options.prometheus)
    results: dict[str, list[dict[str, float]]] = {name: [] for name in starters}
    for _ in range(options.runs):
        for name, start in starters.items():
            results[name].append(run(start(), requests, options.senders))
            print(name, json.dumps(results[name][-1]), file=sys.stderr, flush=True)
    print(table(results))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, help="file of encoded requests (u32 length, u32 samples, u32 shard, body)")
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--scrapes", type=int, default=240)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--senders", type=int, default=1)
    parser.add_argument("--victoria-metrics", type=Path)
    parser.add_argument("--prometheus", type=Path)
    return parser.parse_args()


# ---- what is sent -------------------------------------------------------------------------------------------


def read_pack(path: Path) -> list[Request]:
    head = struct.Struct("<III")
    data = path.with_suffix(".pack").read_bytes()
    found, at = [], 0
    while at < len(data):
        length, samples, shard = head.unpack_from(data, at)
        at += head.size
        found.append(Request(data[at : at + length], samples, shard))
        at += length
    return found


def generate(series: int, scrapes: int, batch: int = 5000) -> list[Request]:
    """Half counters, a quarter whole gauges, an eighth idle, an eighth fractions; every instance has 100 series."""
    rng = np.random.default_rng(1)
    prefixes = [_series_prefix(number) for number in range(series)]
    kind = np.arange(series) % 8
    level = np.floor(10 ** rng.uniform(1, 7, series))
    now_ms = int(time.time() * 1000)
    found = []
    for scrape in range(scrapes):
        level = np.where(kind < 4, level + rng.poisson(20, series), level)
        wobble = np.where(kind < 6, np.floor(level * (1 + rng.normal(0, 0.01, series))), level)
        values = np.where(kind < 4, level, np.where(kind == 7, level * rng.random(series), wobble))
        tail = b"\x10" + _varint(now_ms - (scrapes - 1 - scrape) * 15_000)
        for shard, start in enumerate(range(0, series, batch)):
            part = range(start, min(start + batch, series))
            body = b"".join(prefixes[i] + struct.pack("<d", values[i]) + tail for i in part)
            found.append(Request(bytes(cramjam.snappy.compress_raw(body)), len(part), shard))
    return found


def _series_prefix(number: int) -> bytes:
    labels = {
        "__name__": f"bench_metric_{number % 100:02}_total",
        "instance": f"10.0.{number // 25_600}.{number // 100 % 256}:9100",
        "job": "bench",
        "service": f"service-{number // 1000}",
    }
    encoded = b"".join(_blob(1, _blob(1, name.encode()) + _blob(2, value.encode())) for name, value in labels.items())
    return b"\x0a" + _varint(len(encoded) + 18) + encoded + b"\x12\x10\x09"


def _blob(number: int, payload: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


# ---- one run ------------------------------------------------------------------------------------------------


def run(target: Target, requests: list[Request], senders: int) -> dict[str, float]:
    try:
        server = psutil.Process(target.process.pid)
        settle(server)
        with peak_memory(server) as peak:
            before, started, others = cpu(server), time.perf_counter(), machine_cpu()
            send(target, requests, senders)
            seconds = time.perf_counter() - started
            others = machine_cpu() - others - (cpu(server) - before)
            settle(server)
            used = cpu(server) - before
        as_is, merged = target.weigh(target)
    finally:
        stop(target)
    millions = sum(request.samples for request in requests) / 1e6
    return {
        "samples_per_second": round(millions * 1e6 / seconds),
        "cpu_seconds_per_million": round(used / millions, 3),
        "bytes_per_sample": round(as_is / millions / 1e6, 3),
        "bytes_per_sample_merged": round(merged / millions / 1e6, 3),
        "peak_mb": round(peak() / 1e6),
        "other_cores": round(others / seconds, 2),
    }


def send(target: Target, requests: list[Request], senders: int) -> None:
    def work(number: int) -> None:
        connection = http.client.HTTPConnection(target.address, timeout=120)
        for request in requests:
            if request.shard % senders == number:
                connection.request("POST", "/api/v1/write", request.body, HEADERS | target.headers)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status >= 300:
                    raise SystemExit(f"{target.name} answered {answer.status}: {text[:200]!r}")

    with ThreadPoolExecutor(senders) as pool:
        list(pool.map(work, range(senders)))


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def machine_cpu() -> float:
    """Busy seconds of all cores; the senders of this script are among the others."""
    times = psutil.cpu_times()
    return times.user + times.system + times.nice


def settle(process: psutil.Process, limit_seconds: float = 60) -> None:
    """Return once the server uses less than a twentieth of a core."""
    end = time.monotonic() + limit_seconds
    while time.monotonic() < end:
        before = cpu(process)
        time.sleep(2)
        if cpu(process) - before < 0.1:
            return


class peak_memory:  # noqa: N801 - reads as a word in a with statement
    def __init__(self, process: psutil.Process) -> None:
        self._process, self._bytes, self._done = process, 0, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Callable[[], int]:
        self._thread.start()
        return lambda: self._bytes

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(0.2):
            self._bytes = max(self._bytes, self._process.memory_info().rss)


# ---- targets ------------------------------------------------------------------------------------------------


def start_belvedere() -> Target:
    data, port = Path(tempfile.mkdtemp(prefix="bench-")), free_port()
    process = launch([str(BELVEDERE), "up", "--listen", f"127.0.0.1:{port}", "--data", str(data)])
    wait_for(f"http://127.0.0.1:{port}/readyz")
    made = subprocess.run(
        [str(BELVEDERE), "token", "create", "--name", "bench", "--scopes", "ingest:metrics", "--data", str(data)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    headers = {"Authorization": f"Bearer {made.stdout.split()[-1]}"}
    return Target("belvedere", f"127.0.0.1:{port}", process, data, weigh_belvedere, headers)


def weigh_belvedere(target: Target) -> tuple[int, int]:
    """Samples and series as the engine counts them, with the server stopped: one process a data directory."""
    stop(target)
    script = (
        "import sys, json\n"
        "from telemetry.store.engine import Engine\n"
        "engine = Engine.open('chdb://' + sys.argv[1])\n"
        "size = 'SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase() '"
        " \"AND table IN ('samples', 'series')\"\n"
        "as_is = engine.rows(size)[0][0]\n"
        "for table in ('samples', 'series'): engine.command(f'OPTIMIZE TABLE {table} FINAL')\n"
        "print(json.dumps([as_is, engine.rows(size)[0][0]]))\n"
        "engine.close()\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, str(target.data / "telemetry")],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    as_is, merged = json.loads(found.stdout.splitlines()[-1])
    return as_is, merged


def start_victoria_metrics(binary: Path) -> Target:
    data, port = Path(tempfile.mkdtemp(prefix="bench-")), free_port()
    process = launch(
        [str(binary), f"-storageDataPath={data}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=1"]
    )
    wait_for(f"http://127.0.0.1:{port}/health")
    return Target("victoria-metrics", f"127.0.0.1:{port}", process, data, weigh_victoria_metrics)


def weigh_victoria_metrics(target: Target) -> tuple[int, int]:
    sizes = []
    for call in ("force_flush", "force_merge"):
        fetch(f"http://{target.address}/internal/{call}")
        time.sleep(8)
        settle(psutil.Process(target.process.pid))
        sizes.append(sum(size_of(target.data / folder) for folder in ("data", "indexdb")))
    return sizes[0], sizes[1]


def start_prometheus(binary: Path) -> Target:
    data, port = Path(tempfile.mkdtemp(prefix="bench-")), free_port()
    (data / "prometheus.yml").write_text("global: {}\n")
    process = launch([
        str(binary), f"--config.file={data}/prometheus.yml", f"--storage.tsdb.path={data}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver", "--web.enable-admin-api",
    ])  # fmt: skip
    wait_for(f"http://127.0.0.1:{port}/-/ready")
    return Target("prometheus", f"127.0.0.1:{port}", process, data / "data", weigh_prometheus)


def weigh_prometheus(target: Target) -> tuple[int, int]:
    """A snapshot: the head written as a block. Its write-ahead log is not counted."""
    fetch(f"http://{target.address}/api/v1/admin/tsdb/snapshot", method="POST")
    size = size_of(target.data / "snapshots")
    return size, size


def launch(command: list[str]) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BELVEDERE_")}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)


def stop(target: Target) -> None:
    if target.process.poll() is None:
        target.process.send_signal(signal.SIGTERM)
        target.process.wait(60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str) -> None:
    for _ in range(300):
        try:
            fetch(url)
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit(f"{url} does not answer")


def fetch(url: str, method: str = "GET") -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=60) as answer:
        found: bytes = answer.read()
        return found


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


# ---- the table ----------------------------------------------------------------------------------------------


def table(results: dict[str, list[dict[str, float]]]) -> str:
    medians = {
        name: {key: statistics.median(one[key] for one in runs) for key in runs[0]} for name, runs in results.items()
    }
    return "\n".join(_rows(medians))


def _rows(medians: dict[str, dict[str, float]]) -> Iterator[str]:
    columns = list(next(iter(medians.values())))
    yield "| | " + " | ".join(column.replace("_", " ") for column in columns) + " |"
    yield "|---" * (len(columns) + 1) + "|"
    for name, values in medians.items():
        yield f"| {name} | " + " | ".join(f"{values[column]:,.6g}" for column in columns) + " |"
    ours = medians["belvedere"]
    for name, values in medians.items():
        if name != "belvedere":
            ratios = (f"{ours[key] / values[key]:.2f}" if values[key] else "" for key in columns)
            yield f"| ratio to {name} | " + " | ".join(ratios) + " |"


if __name__ == "__main__":
    main()
