"""Log ingest by format and the six log queries, beside remote write into Debian's victoria-metrics in the same run.

    python bench/logs.py --pack NAME [--formats loki,jsonl,otlp] [--victoria-metrics FILE] [--requests N] [--repeats 5]

NAME.FORMAT.pack holds encoded requests (u32 length, u32 lines, u32 shard, body), NAME.FORMAT.json their content type,
raw bytes, time range and needles. Every format goes into a server of its own; its processor time is counted until the
server is quiet, so merges are in it. The ratio to the peer's remote write carries a figure from one machine to another.
"""

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
import remote_write as base

PATHS = {"loki": "/loki/api/v1/push", "loki-json": "/loki/api/v1/push", "jsonl": "/api/logs", "otlp": "/v1/logs"}
QUERIES = {
    "needle": ("query_range", '{env="prod"} |= "%s"'),
    "substring per minute": ("query_range", 'sum(count_over_time({env="prod"} |= "timeout" [1m]))'),
    "status by service": ("query", 'sum by(service)(count_over_time({source="app"} | json | status>=500 [%ds]))'),
    "last 100 of a service": ("query_range", '{service="checkout"}'),
    "regexp count": (
        "query",
        'sum(count_over_time({source="nginx"} |~ `"(POST|PUT) /[^ ]+ HTTP/1\\.1" 50[0-9]` [%ds]))',
    ),
    "count all": ("query", 'sum(count_over_time({env="prod"}[%ds]))'),
}
"""For the pack of Loki's format, whose streams have these labels."""


@dataclass(frozen=True)
class Ingest:
    """One format into one new server."""

    lines: int
    cpu_seconds_per_million: float
    lines_per_second: float
    disk_per_raw: float
    other_cores: float


def main() -> None:
    options = _arguments()
    print(f"{psutil.getloadavg()[0]:.2f} load at the start", flush=True)
    peer = _peer(options.victoria_metrics) if options.victoria_metrics else None
    if peer:
        print(f"victoria-metrics, remote write: {peer:.2f} CPU s per million samples", flush=True)
    for name in options.formats.split(","):
        target = start()
        try:
            found = ingest(target, options.pack, name, options.requests)
            ratio = f", {found.cpu_seconds_per_million / peer:.1f} times the peer's" if peer else ""
            print(f"{name}: {found.cpu_seconds_per_million:.2f} CPU s per million lines{ratio}; {found}", flush=True)
            if name == "loki":
                for line in queries(target, _meta(options.pack, name), options.repeats):
                    print(line, flush=True)
        finally:
            base.stop(target)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--formats", default="loki,jsonl,otlp")
    parser.add_argument("--requests", type=int, default=None, help="only so many requests of each pack")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--victoria-metrics", type=Path)
    return parser.parse_args()


def _peer(binary: Path) -> float:
    """CPU seconds per million samples of remote write into the peer."""
    return base.run(base.start_victoria_metrics(binary), base.generate(10_000, 60), 1)["cpu_seconds_per_million"]


def start() -> base.Target:
    """Our own server on a new data directory, with a token that may send and read."""
    data, port = Path(tempfile.mkdtemp(prefix="bench-")), base.free_port()
    process = base.launch([str(base.BELVEDERE), "up", "--listen", f"127.0.0.1:{port}", "--data", str(data)])
    base.wait_for(f"http://127.0.0.1:{port}/readyz")
    command = ["token", "create", "--name", "bench", "--scopes", "ingest:logs,query", "--data", str(data)]
    made = subprocess.run([str(base.BELVEDERE), *command], capture_output=True, text=True, check=True)
    headers = {"Authorization": f"Bearer {made.stdout.split()[-1]}"}
    return base.Target("belvedere", f"127.0.0.1:{port}", process, data, base.weigh_belvedere, headers)


def ingest(target: base.Target, pack: Path, name: str, most: int | None) -> Ingest:
    meta = _meta(pack, name)
    requests = base.read_pack(_file(pack, name, ".pack"))[:most]
    server = psutil.Process(target.process.pid)
    base.settle(server)
    before, machine, started = base.cpu(server), base.machine_cpu(), time.perf_counter()
    _send(target, PATHS[name], meta, requests)
    seconds = time.perf_counter() - started
    others = base.machine_cpu() - machine - (base.cpu(server) - before)
    time.sleep(6)  # the last block leaves the journal
    base.settle(server)
    lines = sum(request.samples for request in requests)
    used = base.cpu(server) - before
    raw = meta["raw_bytes"] * lines / meta["items"]
    return Ingest(lines, used / lines * 1e6, lines / seconds, _bytes_on_disk(target) / raw, round(others / seconds, 2))


def _send(target: base.Target, path: str, meta: dict[str, Any], requests: list[base.Request]) -> None:
    headers = {"Content-Type": meta["content_type"], **meta["headers"], **target.headers}
    connection = http.client.HTTPConnection(target.address, timeout=120)
    for request in requests:
        connection.request("POST", path, request.body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{path} answered {answer.status}: {text[:200]!r}")


def _bytes_on_disk(target: base.Target) -> int:
    """Everything that the engine keeps, own metrics and log events among it; the largest part by far is the logs."""
    return base.size_of(target.data / "telemetry" / "store")


def queries(target: base.Target, meta: dict[str, Any], repeats: int) -> list[str]:
    """Milliseconds of each query: the first call, and the median of the repeats."""
    span = int(meta["end"] - meta["start"])
    found = []
    for name, (endpoint, text) in QUERIES.items():
        query = text % meta["needles"][1] if "%s" in text else text % span if "%d" in text else text
        parameters: dict[str, Any] = {"query": query, "limit": 100}
        if endpoint == "query":
            parameters["time"] = int(meta["end"] * 1e9)
        else:
            parameters |= {"start": int(meta["start"] * 1e9), "end": int(meta["end"] * 1e9), "step": 60}
        times = [_timed(target, f"/loki/api/v1/{endpoint}?{urlencode(parameters)}") for _ in range(repeats + 1)]
        found.append(f"  {name}: first {times[0]:.1f} ms, then {statistics.median(times[1:]):.1f} ms")
    return found


def _timed(target: base.Target, path: str) -> float:
    connection = http.client.HTTPConnection(target.address, timeout=120)
    started = time.perf_counter()
    connection.request("GET", path, headers=target.headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        print(f"{path} answered {answer.status}: {body[:200]!r}", file=sys.stderr)
    return (time.perf_counter() - started) * 1e3


def _file(pack: Path, name: str, suffix: str) -> Path:
    return pack.with_name(f"{pack.name}.{name}{suffix}")


def _meta(pack: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_file(pack, name, ".json").read_text())
    return found


if __name__ == "__main__":
    main()
