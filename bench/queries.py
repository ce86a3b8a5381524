"""Range queries beside the peers: the same samples by remote write into each, the same eight queries, medians.

    python bench/queries.py --generator ../shared/bench --prometheus PROMETHEUS --victoria-metrics VICTORIA_METRICS

`--generator` is a folder with `gen_metrics.py`, `send.py` and `pack.py` (a fleet as remote-write requests).
Modes: `cold` is the first answer after loading, `warm` the median of repeats with result caches off (`nocache=1`),
`refresh` the median while the window moves on by a step each time, with result caches on.
"""

import argparse
import contextlib
import http.client
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

QUERIES = {
    "rate_by_service": "sum by(service)(rate(http_requests_total[5m]))",
    "p99_by_service": "histogram_quantile(0.99, sum by(le,service)(rate(http_request_duration_seconds_bucket[5m])))",
    "topk10": "topk(10, rate(http_response_bytes_total[5m]))",
    "raw_one_series": 'process_resident_memory_bytes{instance="10.0.0.1:8000"}',
    "avg_by_service": "avg by(service)(process_resident_memory_bytes)",
    "max_over_time_1h": "max_over_time(process_resident_memory_bytes[1h])",
    "error_ratio_on": 'sum by(service)(rate(http_requests_total{status=~"5.."}[5m])) / on(service) '
    "sum by(service)(rate(http_requests_total[5m]))",
    "count_by_name": 'count by(__name__)({__name__=~".+"})',
}


@dataclass
class Target:
    """One running store."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    data: str
    headers: dict[str, str]

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)

    def ask(self, path: str, **parameters: object) -> tuple[bytes, float]:
        """(body, milliseconds) over one kept-alive connection."""
        started = time.perf_counter()
        self._connection.request("GET", f"{path}?{urllib.parse.urlencode(parameters)}", headers=self.headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise SystemExit(f"{self.name}: {response.status} {body[:300]!r}")
        return body, (time.perf_counter() - started) * 1000

    def ready(self, path: str) -> None:
        for _ in range(600):
            with contextlib.suppress(OSError, http.client.HTTPException, SystemExit):
                self.ask(path)
                return
            self._connection.close()
            time.sleep(0.1)
        raise SystemExit(f"{self.name} does not answer")

    @property
    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def resident_mb(self) -> float:
        return self._status("VmRSS")

    @property
    def peak_mb(self) -> float:
        return self._status("VmHWM")

    def _status(self, name: str) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


@contextlib.contextmanager
def running(name: str, port: int, command: list[str], ready: str) -> Iterator[Target]:
    """The target with an empty data folder; stopped and removed at the end."""
    with tempfile.TemporaryDirectory(prefix=f"bench-{name}-") as data:
        log = open(f"{data}.log", "wb")  # noqa: SIM115 - closed with the process
        environment = {**os.environ, "BELVEDERE_LOG_LEVEL": "WARNING"}
        filled = [part.replace("{data}", data).replace("{port}", str(port)) for part in command]
        process = subprocess.Popen(filled, stdout=log, stderr=log, env=environment)
        target = Target(name, port, process, data, {})
        try:
            target.ready(ready)
            yield target
        finally:
            process.terminate()
            process.wait()
            log.close()


def own_token(target: Target) -> dict[str, str]:
    """A token of our own server that may write and read."""
    command = [
        str(ROOT / ".venv/bin/belvedere"),
        "token",
        "create",
        "--name",
        "bench",
        "--scopes",
        "ingest:metrics,query",
    ]
    found = subprocess.run([*command, "--data", target.data], capture_output=True, text=True, check=True)
    token = next(word for word in found.stdout.split() if word.startswith("bv_"))
    return {"Authorization": f"Bearer {token}"}


def timed(target: Target, query: str, grid: dict[str, float], repeats: int, *, mode: str) -> tuple[float, str]:
    """(median ms, digest of the last answer)"""
    taken: list[float] = []
    body = b""
    for turn in range(repeats):
        moved = turn * grid["step"] if mode == "refresh" else 0.0
        start, end = grid["start"] + moved, grid["end"] - (repeats - turn) * grid["step"] * (mode == "refresh")
        extra = {} if mode == "refresh" else {"nocache": "1"}
        body, ms = target.ask("/api/v1/query_range", query=query, start=start, end=end, step=grid["step"], **extra)
        taken.append(ms)
    return statistics.median(taken[1:] or taken), digest(body)


def digest(body: bytes) -> str:
    """Rows, points and their sum, to see that the answers agree."""
    rows = json.loads(body)["data"]["result"]
    values = [float(point[1]) for row in rows for point in row["values"]]
    return f"{len(rows)} series, {len(values)} points, sum {sum(v for v in values if math.isfinite(v)):.6g}"


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def measure(target: Target, grid: dict[str, float], repeats: int) -> dict[str, dict[str, float]]:
    """mode -> query -> median ms"""
    found: dict[str, dict[str, float]] = {"cold": {}, "warm": {}, "refresh": {}}
    for name, query in QUERIES.items():
        found["cold"][name], _ = timed(target, query, grid, 1, mode="cold")
    for name, query in QUERIES.items():
        found["warm"][name], answer = timed(target, query, grid, repeats + 1, mode="warm")
        found["refresh"][name], _ = timed(target, query, grid, repeats + 1, mode="refresh")
        print(f"  {target.name:12} {name:18} {answer}", flush=True)
    return found


def report(found: dict[str, dict[str, dict[str, float]]], own: str) -> None:
    """Tables of medians in ms, with our ratio to each peer."""
    names = list(found)
    for mode in ("cold", "warm", "refresh"):
        print(f"\n{mode:20}" + "".join(f"{name:>14}" for name in names))
        for query in QUERIES:
            print(f"{query:20}" + "".join(f"{found[name][mode][query]:14.2f}" for name in names))
        means = {name: geometric_mean(list(found[name][mode].values())) for name in names}
        print(f"{'geometric mean':20}" + "".join(f"{means[name]:14.2f}" for name in names))
        if own in means:
            print(f"{'ours / theirs':20}" + "".join(f"{means[own] / means[name]:14.2f}" for name in names))


def targets(arguments: argparse.Namespace) -> Iterator[tuple[str, int, list[str], str]]:
    port = arguments.port
    if not arguments.without_own:
        listen = f"127.0.0.1:{port}"
        up = [str(ROOT / ".venv/bin/belvedere"), "up", "--listen", listen, "--data", "{data}"]
        yield "belvedere", port, up, "/readyz"
    if arguments.prometheus:
        yield "prometheus", port + 1, [
            arguments.prometheus, f"--config.file={arguments.generator}/conf/prometheus.yml",
            "--storage.tsdb.path={data}", "--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver",
            "--storage.tsdb.retention.time=30d", "--log.level=warn",
        ], "/-/ready"  # fmt: skip
    if arguments.victoria_metrics:
        yield "victoria", port + 2, [
            arguments.victoria_metrics, "-storageDataPath={data}", "-httpListenAddr=127.0.0.1:{port}",
            "-retentionPeriod=1", "-loggerLevel=WARN",
        ], "/health"  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", required=True)
    parser.add_argument("--pack", help="an existing pack, without its ending; else one is made")
    parser.add_argument("--prometheus")
    parser.add_argument("--victoria-metrics")
    parser.add_argument("--without-own", action="store_true")
    parser.add_argument("--services", default="10")
    parser.add_argument("--instances", default="10", help="a service; an instance has 100 series")
    parser.add_argument("--scrapes", default="240")
    parser.add_argument("--interval", default="15")
    parser.add_argument("--step", type=float, default=15)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--port", type=int, default=18700)
    arguments = parser.parse_args()
    sys.path.insert(0, arguments.generator)
    with tempfile.TemporaryDirectory(prefix="bench-pack-") as folder:
        pack = arguments.pack or f"{folder}/metrics"
        if not arguments.pack:
            shape = [
                f"--{name}={getattr(arguments, name)}" for name in ("services", "instances", "scrapes", "interval")
            ]
            subprocess.run([sys.executable, f"{arguments.generator}/gen_metrics.py", pack, *shape], check=True)
        meta = json.loads(Path(f"{pack}.json").read_text())
        grid = {"start": meta["start"], "end": meta["end"], "step": arguments.step}
        found: dict[str, dict[str, dict[str, float]]] = {}
        for name, port, command, ready in targets(arguments):
            with running(name, port, command, ready) as target:
                target.headers = own_token(target) if name == "belvedere" else {}
                found[name] = _loaded_and_measured(target, pack, grid, arguments.repeats)
        report(found, "belvedere")
        print("load average:", os.getloadavg())


def _loaded_and_measured(
    target: Target, pack: str, grid: dict[str, float], repeats: int
) -> dict[str, dict[str, float]]:
    import send

    sent = send.send(pack, f"http://127.0.0.1:{target.port}/api/v1/write", 1, target.headers)
    if sent["errors"]:
        raise SystemExit(f"{target.name} refused: {sent['first_error']}")
    print(
        f"{target.name}: {sent['items']} samples, {sent['items_per_s']:.0f}/s, peak {target.peak_mb:.0f} MB", flush=True
    )
    time.sleep(3)
    before = target.cpu_seconds
    found = measure(target, grid, repeats)
    print(f"{target.name}: {target.cpu_seconds - before:.2f} CPU s, {target.resident_mb:.0f} MB resident, "
          f"{target.peak_mb:.0f} MB peak", flush=True)  # fmt: skip
    return found


if __name__ == "__main__":
    main()
