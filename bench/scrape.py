"""Processor time of scraping, ours beside Prometheus' on the same simulated targets at the same time.

    .venv/bin/python bench/scrape.py --prometheus /path/to/prometheus --targets 1000 --lines 700

Both read the same targets file every interval; each is first measured without targets, and that is subtracted. The
first interval with targets (series are made) is reported by itself. `--turns` intervals follow, one figure each.
"""

import argparse
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1024**2


def wait_for_port(port: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def start_prometheus(program: str, port: int, interval: int, folder: Path, targets: Path) -> subprocess.Popen:
    config = {
        "global": {"scrape_interval": f"{interval}s", "scrape_timeout": "10s"},
        "scrape_configs": [{"job_name": "bench", "file_sd_configs": [{"files": [str(targets)]}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    arguments = [program, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}",
                 f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]  # fmt: skip
    return subprocess.Popen(arguments)


def start_ours(port: int, interval: int, folder: Path, targets: Path) -> subprocess.Popen:
    environment = {**os.environ, "BELVEDERE_FILE_SD": str(targets), "BELVEDERE_SCRAPE_SECONDS": str(interval),
                   "BELVEDERE_SELF_WATCH": "false", "BELVEDERE_MAX_SERIES_PER_SERVICE": "5000000"}  # fmt: skip
    arguments = [Path(sys.executable).parent / "belvedere", "up", "--listen", f"127.0.0.1:{port}",
                 "--data", folder / "ours"]  # fmt: skip
    return subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL)


def turn(processes: dict[str, subprocess.Popen], seconds: float) -> dict[str, float]:
    before = {name: cpu_seconds(process.pid) for name, process in processes.items()}
    time.sleep(seconds)
    return {name: cpu_seconds(process.pid) - before[name] for name, process in processes.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prometheus", help="program to measure beside us")
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--lines", type=int, default=700)
    parser.add_argument("--interval", type=int, default=15)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--port", type=int, default=8230, help="and the next")
    parser.add_argument("--first-target-port", type=int, default=18000)
    parser.add_argument("--plain", action="store_true", help="pages are not compressed")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        measure(options, Path(name))


def measure(options: argparse.Namespace, folder: Path) -> None:
    ports = range(options.first_target_port, options.first_target_port + options.targets)
    arguments = [str(ports.start), str(options.targets), str(options.lines), "plain" if options.plain else "gzip"]
    exporters = subprocess.Popen(
        [sys.executable, HERE / "scrape_targets.py", *arguments], stdout=subprocess.PIPE, text=True
    )
    targets = folder / "targets.json"
    targets.write_text("[]")
    processes: dict[str, subprocess.Popen] = {}
    try:
        print("page, bytes plain and sent:", exporters.stdout.readline().split()[1:])
        if options.prometheus:
            prometheus = start_prometheus(options.prometheus, options.port + 1, options.interval, folder, targets)
            processes["prometheus"] = prometheus
        processes["belvedere"] = start_ours(options.port, options.interval, folder, targets)
        for number in range(len(processes)):
            wait_for_port(options.port + number)
        time.sleep(10)
        idle = turn(processes, options.interval)
        written = folder / "targets.new"
        written.write_text(
            json.dumps([{"targets": [f"127.0.0.1:{port}" for port in ports], "labels": {"job": "bench"}}])
        )
        written.replace(targets)
        first = turn(processes, options.interval + 10)
        turns = [turn(processes, options.interval) for _ in range(options.turns)]
        load = os.getloadavg()[0]
        for name, process in processes.items():
            net = [each[name] - idle[name] for each in turns]
            print(f"{name}: idle {idle[name]:.2f} s, first {first[name]:.2f} s, then each interval "
                  f"{', '.join(f'{seconds:.2f}' for seconds in net)}: median {statistics.median(net):.2f} CPU s, "
                  f"{resident_mb(process.pid):.0f} MB")  # fmt: skip
        if "prometheus" in processes:
            medians = [
                statistics.median(each[name] - idle[name] for each in turns) for name in ("belvedere", "prometheus")
            ]
            print(f"ratio {medians[0] / medians[1]:.2f}, load {load:.1f}")
    finally:
        for process in [*processes.values(), exporters]:
            process.terminate()
        for process in [*processes.values(), exporters]:
            process.wait(30)


if __name__ == "__main__":
    main()
