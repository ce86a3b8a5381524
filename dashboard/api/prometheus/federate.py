"""/federate: the newest samples of series as a page that another Prometheus scrapes.

Source: https://prometheus.io/docs/prometheus/latest/federation/
"""

import re
import time
from collections.abc import Iterator
from typing import Final

import numpy as np
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from dashboard.accounts.gate import requires
from dashboard.api.prometheus.answers import prometheus_view
from dashboard.api.prometheus.params import selectors_of
from telemetry.model.labels import METRIC_NAME, Labels, Matcher, label_value
from telemetry.model.samples import is_stale
from telemetry.model.time import TimeRange
from telemetry.store import current
from telemetry.syntax.numbers import format_general

_PLAIN_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_PLAIN_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_FOREIGN: Final = re.compile(r"[^a-zA-Z0-9_:]", re.ASCII)


@requires("query")
@prometheus_view("GET")
def federate(request: HttpRequest) -> HttpResponse:
    """The newest sample within the lookback of every series that a `match[]` names; markers are no samples."""
    keeps_utf8 = "escaping=allow-utf-8" in request.headers.get("Accept", "")
    escaping = "allow-utf-8" if keeps_utf8 else "underscores"
    now_ms = int(time.time() * 1000)
    selectors = selectors_of(request)
    lines = _lines(selectors, now_ms, keeps_utf8) if selectors else iter(())
    content_type = f"text/plain; version=0.0.4; charset=utf-8; escaping={escaping}"
    return HttpResponse("".join(lines), content_type=content_type)


def _lines(selectors: list[tuple[Matcher, ...]], now_ms: int, keeps_utf8: bool) -> Iterator[str]:
    store = current()
    window = TimeRange(now_ms - int(settings.TELEMETRY["lookback_seconds"]) * 1000 + 1, now_ms)
    series = store.select_series(selectors, window)
    columns = store.read_samples(series, window)
    last = columns.offsets[1:] - 1
    known = np.flatnonzero(np.diff(columns.offsets) > 0)
    fresh = known[~is_stale(columns.values[last[known]])]
    family = None
    for row in fresh.tolist():
        name = label_value(series.labels[row], METRIC_NAME)
        if name != family:
            family = name
            yield f"# TYPE {_name(name, keeps_utf8)} untyped\n"
        value, at = float(columns.values[last[row]]), int(columns.timestamps_ms[last[row]])
        yield f"{_series(series.labels[row], keeps_utf8)} {format_general(value)} {at}\n"


def _name(name: str, keeps_utf8: bool) -> str:
    if _PLAIN_METRIC.fullmatch(name):
        return name
    return _quoted(name) if keeps_utf8 else _underscored(name)


def _series(labels: Labels, keeps_utf8: bool) -> str:
    name = label_value(labels, METRIC_NAME)
    pairs = [f"{_label(key, keeps_utf8)}={_quoted(value)}" for key, value in labels if key != METRIC_NAME]
    shown = _name(name, keeps_utf8)
    if shown.startswith('"'):
        return "{" + ",".join([shown, *pairs]) + "}"
    # an empty instance keeps the scraper from putting its own there, as Prometheus does
    if not label_value(labels, "instance"):
        pairs.append('instance=""')
    return shown + "{" + ",".join(pairs) + "}"


def _label(name: str, keeps_utf8: bool) -> str:
    if _PLAIN_LABEL.fullmatch(name):
        return name
    return _quoted(name) if keeps_utf8 else _underscored(name).replace(":", "_")


def _underscored(name: str) -> str:
    """As a scraper that knows no other names wants it."""
    text = _FOREIGN.sub("_", name)
    return f"_{text}" if text[:1].isdigit() else text


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return f'"{escaped}"'
