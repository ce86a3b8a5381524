"""What clients ask before they query: the version of the API, and which targets are scraped."""

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from dashboard.accounts.gate import requires
from dashboard.api.prometheus.answers import prometheus_view, success
from dashboard.api.prometheus.params import value_of
from dashboard.api.prometheus.render import to_json
from dashboard.version import VERSION
from fleet.models import Target
from fleet.scrape_states import TargetState
from fleet.selectors.scrape_targets import job_states, moment
from telemetry.promql.durations import format_duration_ms

COMPATIBLE_VERSION: Final = "3.5.3"
"""The Prometheus whose language and API this is; Grafana chooses its requests by it."""
_HEALTH: Final = {True: "up", False: "down", None: "unknown"}
_NEVER: Final = "0001-01-01T00:00:00Z"


@requires("query")
@prometheus_view("GET")
def build_info(request: HttpRequest) -> HttpResponse:
    """/api/v1/status/buildinfo"""
    revision = f"belvedere-{VERSION}"
    rest = dict.fromkeys(("branch", "buildUser", "buildDate", "goVersion"), "")
    return success(to_json({"version": COMPATIBLE_VERSION, "revision": revision, **rest}))


@requires("query")
@prometheus_view("GET")
def targets(request: HttpRequest) -> HttpResponse:
    """/api/v1/targets: those of jobs and those entered one by one; their state is that of the last scrape."""
    wanted, pool = value_of(request, "state") or "any", value_of(request, "scrapePool")
    entered = Target.objects.filter(enabled=True, **({"job": pool} if pool else {}))
    active = [] if wanted == "dropped" else [_target(row) for row in entered]
    dropped: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    for job, state in job_states().items():
        if pool and job != pool:
            continue
        counts[job] = state.dropped_count
        if wanted != "dropped":
            active += [_discovered(job, each) for each in state.active]
        if wanted != "active":
            dropped += [{"discoveredLabels": each.discovered, "scrapePool": job} for each in state.dropped]
    return success(to_json({"activeTargets": active, "droppedTargets": dropped, "droppedTargetCounts": counts}))


def _discovered(job: str, target: TargetState) -> dict[str, Any]:
    return {
        "discoveredLabels": target.discovered,
        "labels": target.labels,
        "scrapePool": job,
        "scrapeUrl": target.url,
        "globalUrl": target.url,
        "lastError": target.error,
        "lastScrape": _time(moment(target.at_ms)),
        "lastScrapeDuration": target.duration_seconds,
        "health": _HEALTH[target.up],
        "scrapeInterval": format_duration_ms(target.interval_ms),
        "scrapeTimeout": format_duration_ms(target.timeout_ms),
    }


def _target(row: Target) -> dict[str, Any]:
    interval = f"{row.interval_seconds or settings.SCRAPE_SECONDS}s"
    address = urlsplit(row.url)
    labels = {str(name): str(value) for name, value in row.labels.items()}
    return {
        "discoveredLabels": {
            "__address__": address.netloc,
            "__metrics_path__": address.path,
            "__scheme__": address.scheme,
            "job": row.job,
            **labels,
        },
        "labels": {"instance": address.netloc, "job": row.job, **labels},
        "scrapePool": row.job,
        "scrapeUrl": row.url,
        "globalUrl": row.url,
        "lastError": row.last_error,
        "lastScrape": _time(row.last_scrape_at),
        "lastScrapeDuration": row.last_duration_seconds,
        "health": _HEALTH[row.up],
        "scrapeInterval": interval,
        "scrapeTimeout": interval,
    }


def _time(when: datetime | None) -> str:
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z") if when else _NEVER
