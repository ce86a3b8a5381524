"""`/metrics-explorer/cardinality`: what makes the series, from metric to label to value, by service and by team."""

import time
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.accounts.csv_export import csv_response
from dashboard.accounts.gate import requires
from dashboard.panels.cardinality import CSV_HEADER, WORDS, Choice, cardinality, csv_rows
from telemetry.model.errors import TelemetryError
from telemetry.store import current

MOST_SHOWN = 200
MOST_EXPORTED = 100_000


@requires("view:fleet")
@require_GET
def cardinality_page(request: HttpRequest) -> HttpResponseBase:
    """The table in the order of series, or the same as a file with `format=csv`."""
    choice = Choice.of(request.GET)
    as_file = request.GET.get("format") == "csv"
    context: dict[str, Any] = {"page_title": "Cardinality", "choice": choice, "words": WORDS, "most": MOST_SHOWN}
    try:
        limit = MOST_EXPORTED if as_file else MOST_SHOWN
        found = cardinality(current(), choice, int(time.time() * 1000), limit)
    except TelemetryError as error:
        context["error"] = str(error)
    else:
        if as_file:
            return csv_response("cardinality.csv", CSV_HEADER, csv_rows(found))
        context["found"] = found
    return render(request, "metrics/cardinality.html", context)
