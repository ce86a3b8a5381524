"""What `/metrics` says of the process beyond counters: versions, limits, disk, sessions, jobs."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import psutil
from django.conf import settings
from django.db import Error as DatabaseError
from django.db.models import Count
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dashboard.accounts.models import UserSession
from dashboard.runtime import heartbeat
from dashboard.version import VERSION
from fleet.models import Job

DISK_SECONDS: Final = 60.0
"""Walking through the data directory is done at most this often."""

_CGROUP: Final = Path("/sys/fs/cgroup")


class ProcessMetrics(Collector):
    """Read at every scrape, except for what takes long."""

    def __init__(self, data_dir: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._data_dir = data_dir
        self._clock = clock
        self._lock = threading.Lock()
        self._used: dict[str, int] = {}
        self._used_at = float("-inf")

    def describe(self) -> list[Metric]:
        """Registering needs no first reading."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield _gauge("belvedere_build_info", "Version that runs.", 1, version=VERSION)
        yield _gauge("belvedere_cpu_limit_cores", "Processor cores that the process may use.", cpu_limit_cores())
        yield _gauge("belvedere_memory_limit_bytes", "Memory that the process may use.", memory_limit_bytes())
        yield from self._disk()
        try:
            yield from _relational()
        except DatabaseError:
            yield _gauge("belvedere_database_up", "Whether the relational database answers.", 0)

    def _disk(self) -> Iterator[Metric]:
        disk = shutil.disk_usage(self._data_dir)
        yield _gauge("belvedere_data_free_bytes", "Free space where the data directory is.", disk.free)
        yield _gauge("belvedere_data_total_bytes", "Size of the file system of the data directory.", disk.total)
        used = GaugeMetricFamily("belvedere_data_bytes", "Space that the data directory takes.", labels=["part"])
        for part, size in self._used_now().items():
            used.add_metric([part], size)
        yield used

    def _used_now(self) -> dict[str, int]:
        with self._lock:
            if self._clock() - self._used_at > DISK_SECONDS:
                self._used, self._used_at = used_bytes(self._data_dir), self._clock()
            return self._used


def _gauge(name: str, text: str, value: float, **labels: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def _relational() -> Iterator[Metric]:
    yield _gauge("belvedere_open_sessions", "Sessions of people that have not ended.", _open_sessions())
    jobs = GaugeMetricFamily("belvedere_jobs", "Jobs by state.", labels=["state"])
    counts = dict(Job.objects.order_by().values_list("state").annotate(Count("pk")))
    for state in Job.State.values:
        jobs.add_metric([state], counts.get(state, 0))
    yield jobs
    if (age := heartbeat.age_seconds("worker")) is not None:
        yield _gauge("belvedere_worker_heartbeat_age_seconds", "Time since the last sign of life of a worker.", age)
    yield _gauge("belvedere_database_up", "Whether the relational database answers.", 1)


def _open_sessions() -> int:
    idle = timedelta(seconds=settings.SESSION_IDLE_SECONDS)
    return UserSession.objects.filter(seen_at__gt=timezone.now() - idle).count()


def used_bytes(directory: Path) -> dict[str, int]:
    """Bytes in files below each entry of `directory`; files directly in it count as "relational"."""
    used = {"relational": 0}
    for entry in os.scandir(directory):
        if entry.is_dir(follow_symlinks=False):
            used[entry.name] = sum(_sizes(Path(entry.path)))
        elif entry.is_file(follow_symlinks=False):
            used["relational"] += entry.stat().st_size
    return used


def _sizes(directory: Path) -> Iterator[int]:
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                yield os.stat(os.path.join(folder, name), follow_symlinks=False).st_size
            except FileNotFoundError:
                continue  # merged away by the engine while we walked


def memory_limit_bytes() -> int:
    """Memory of the machine, or of the control group if that is less."""
    total = psutil.virtual_memory().total
    return min(total, _cgroup_number("memory.max", total))


def cpu_limit_cores() -> float:
    """Cores of the machine, or the quota of the control group if that is less."""
    cores = float(len(os.sched_getaffinity(0)))
    try:
        quota, period = (_CGROUP / "cpu.max").read_text().split()
        return min(cores, int(quota) / int(period))
    except (OSError, ValueError):
        return cores  # no control group, or "max"


def _cgroup_number(name: str, otherwise: int) -> int:
    try:
        return int((_CGROUP / name).read_text())
    except (OSError, ValueError):
        return otherwise
