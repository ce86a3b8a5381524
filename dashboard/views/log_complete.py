"""`/logs/complete`: what may stand at the caret of a LogQL query: functions, label names, label values."""

from typing import Final

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from dashboard.accounts.gate import requires
from dashboard.panels.time_range import page_range
from telemetry.model.errors import TelemetryError
from telemetry.store import LogQuery, current

MOST: Final = 30

FUNCTIONS: Final = {
    "rate": "lines a second", "count_over_time": "lines in a window", "bytes_rate": "bytes a second",
    "bytes_over_time": "bytes in a window", "absent_over_time": "1 where there is no line",
    "sum_over_time": "sum of unwrapped values", "avg_over_time": "mean of unwrapped values",
    "min_over_time": "least unwrapped value", "max_over_time": "greatest unwrapped value",
    "quantile_over_time": "quantile of unwrapped values", "first_over_time": "first unwrapped value",
    "last_over_time": "last unwrapped value", "sum": "over series", "avg": "over series", "min": "over series",
    "max": "over series", "count": "number of series", "topk": "the greatest series", "bottomk": "the least series",
    "json": "parser", "logfmt": "parser", "pattern": "parser", "regexp": "parser", "unpack": "parser",
    "line_format": "template of the line", "label_format": "templates of labels", "unwrap": "value from a label",
    "decolorize": "without ANSI colours", "drop": "leave labels out", "keep": "only these labels",
}  # fmt: skip


@requires("view:fleet")
@require_GET
def complete(request: HttpRequest) -> JsonResponse:
    """Suggestions `{text, detail}` that begin with, then that contain, what was typed."""
    kind, typed = request.GET.get("kind", ""), request.GET.get("text", "")
    try:
        found = FUNCTIONS if kind == "metric" else _of_streams(request, kind)
    except TelemetryError:
        found = {}
    matching = [name for name in found if typed.lower() in name.lower()]
    matching.sort(key=lambda name: (not name.lower().startswith(typed.lower()), name))
    return JsonResponse({"suggestions": [{"text": name, "detail": found[name]} for name in matching[:MOST]]})


def _of_streams(request: HttpRequest, kind: str) -> dict[str, str]:
    """Label names, or values of one label, of the streams with records in the range -> how many records."""
    time_range = page_range(request.GET)
    query = LogQuery(start_ns=time_range.start_ms * 10**6, end_ns=time_range.end_ms * 10**6)
    labels = current().log_facets(query, limit=200).labels
    if kind == "label":
        return {name: f"{len(values)} values" for name, values in labels.items()}
    return {value: f"{records:,} records" for value, records in labels.get(request.GET.get("label", ""), [])}
