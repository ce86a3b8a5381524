"""What the server says of itself in Prometheus' words: settings, run time, counts of series.

Nothing secret is among it: settings are shown as `belvedere settings` shows them.
"""

import os
import socket
import sys
import threading
from datetime import UTC, datetime
from typing import Any, Final

import yaml
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from dashboard.accounts.gate import requires
from dashboard.api.prometheus.answers import prometheus_view, success
from dashboard.api.prometheus.params import ALL_TIME, limit_of, value_of
from dashboard.api.prometheus.render import to_json
from dashboard.env import REGISTRY
from fleet.models import RuleFile, Target
from telemetry.model.errors import InvalidInput, StoreUnavailable
from telemetry.model.labels import METRIC_NAME, Matcher, MatchOp
from telemetry.store import current

_STARTED: Final = datetime.now(UTC)
_MOST_ENTRIES: Final = 10


@requires("query")
@prometheus_view("GET")
def config(request: HttpRequest) -> HttpResponse:
    """/api/v1/status/config: what a `prometheus.yml` would say of the same."""
    document = {
        "global": {
            "scrape_interval": f"{settings.SCRAPE_SECONDS}s",
            "evaluation_interval": f"{settings.RULE_SECONDS}s",
        },
        "rule_files": list(RuleFile.objects.values_list("name", flat=True)),
        "scrape_configs": [
            {"job_name": job} for job in Target.objects.values_list("job", flat=True).distinct().order_by("job")
        ],
    }
    return success(to_json({"yaml": yaml.safe_dump(document, sort_keys=False)}))


@requires("query")
@prometheus_view("GET")
def flags(request: HttpRequest) -> HttpResponse:
    """/api/v1/status/flags: those flags of Prometheus that have a meaning here, and our own settings by name."""
    telemetry = settings.TELEMETRY
    theirs = {
        "query.lookback-delta": f"{telemetry['lookback_seconds']}s",
        "query.max-samples": str(telemetry["max_query_samples"]),
        "query.timeout": f"{telemetry['query_timeout_seconds']:g}s",
        "storage.tsdb.retention.time": f"{telemetry['sample_retention_days']}d",
        "web.enable-remote-write-receiver": "true",
        "web.external-url": settings.PUBLIC_URL,
    }
    ours = {name: _shown(name) for name in sorted(REGISTRY) if not REGISTRY[name].secret}
    return success(to_json({**theirs, **ours}))


def _shown(name: str) -> str:
    return os.environ.get(name, REGISTRY[name].default)


@requires("query")
@prometheus_view("GET")
def runtime_info(request: HttpRequest) -> HttpResponse:
    """/api/v1/status/runtimeinfo"""
    days = settings.TELEMETRY["sample_retention_days"]
    return success(
        to_json(
            {
                "startTime": _rfc3339(_STARTED),
                "CWD": os.getcwd(),
                "hostname": socket.gethostname(),
                "serverTime": _rfc3339(datetime.now(UTC)),
                "reloadConfigSuccess": True,
                "lastConfigTime": _rfc3339(_STARTED),
                "corruptionCount": 0,
                "goroutineCount": threading.active_count(),
                "GOMAXPROCS": os.cpu_count() or 1,
                "GOMEMLIMIT": sys.maxsize,
                "GOGC": "",
                "GODEBUG": "",
                "storageRetention": f"{days}d",
            }
        )
    )


@requires("query")
@prometheus_view("GET")
def tsdb(request: HttpRequest) -> HttpResponse:
    """/api/v1/status/tsdb: what makes the series. `limit` entries of each list, 10 if it is missing."""
    limit = limit_of(request) or _MOST_ENTRIES
    if value_of(request, "limit") == "0":
        raise InvalidInput('invalid parameter "limit": limit must be a positive number')
    statistics = current().series_statistics(limit)
    return success(
        to_json(
            {
                "headStats": {
                    "numSeries": statistics.series,
                    "numLabelPairs": statistics.label_pairs,
                    "chunkCount": statistics.series,
                    "minTime": statistics.first_ms,
                    "maxTime": statistics.last_ms,
                },
                "seriesCountByMetricName": _entries(statistics.by_metric),
                "labelValueCountByLabelName": _entries(statistics.values_by_label),
                "memoryInBytesByLabelName": _entries(statistics.bytes_by_label),
                "seriesCountByLabelValuePair": _entries(statistics.by_pair),
            }
        )
    )


def _entries(counts: list[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in counts]


@requires("query")
@prometheus_view("GET")
def wal_replay(request: HttpRequest) -> HttpResponse:
    """/api/v1/status/walreplay: a server that answers has read its journal."""
    return success(to_json({"min": 0, "max": 0, "current": 0}))


@requires("query")
@prometheus_view("GET")
def scrape_pools(request: HttpRequest) -> HttpResponse:
    """/api/v1/scrape_pools: the jobs."""
    jobs = Target.objects.filter(enabled=True).values_list("job", flat=True).distinct().order_by("job")
    return success(to_json({"scrapePools": list(jobs)}))


@requires("query")
@prometheus_view("GET")
def targets_metadata(request: HttpRequest) -> HttpResponse:
    """/api/v1/targets/metadata: metadata of a metric, beside each target that has the metric."""
    metric, limit = value_of(request, "metric"), limit_of(request)
    store = current()
    matchers = [Matcher("instance", MatchOp.NOT_EQUAL, "")]
    if metric:
        matchers.append(Matcher(METRIC_NAME, MatchOp.EQUAL, metric))
    described = {entry.metric: entry for entry in store.metric_metadata(metric or None)}
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for labels in store.select_series([matchers], ALL_TIME).labels:
        entry = dict(labels)
        key = (entry.get("job", ""), entry["instance"], entry[METRIC_NAME])
        if key in found or key[2] not in described:
            continue
        about = described[key[2]]
        target = {"instance": key[1], "job": key[0]}
        named = {} if metric else {"metric": about.metric}
        found[key] = {"target": target, **named, "type": about.type, "help": about.help, "unit": about.unit}
        if limit and len(found) >= limit:
            break
    return success(to_json(list(found.values())))


@requires("query", open_on_loopback=True)
def healthy(request: HttpRequest) -> HttpResponse:
    """/-/healthy: this process answers. `/healthz` says more."""
    return HttpResponse("Prometheus Server is Healthy.\n", content_type="text/plain; charset=utf-8")


@requires("query", open_on_loopback=True)
def ready(request: HttpRequest) -> HttpResponse:
    """/-/ready: queries can be answered here. 503 without a store."""
    try:
        current()
    except StoreUnavailable:
        return HttpResponse("Service Unavailable\n", status=503, content_type="text/plain; charset=utf-8")
    return HttpResponse("Prometheus Server is Ready.\n", content_type="text/plain; charset=utf-8")


def _rfc3339(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")
