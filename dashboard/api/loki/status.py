"""What clients ask before they query: the version of the API, and whether it is ready."""

from typing import Final

from django.http import HttpRequest, HttpResponse

from dashboard.accounts.gate import public, requires
from dashboard.api.loki.answers import loki_view, plain_json
from dashboard.version import VERSION
from telemetry.store import current

COMPATIBLE_VERSION: Final = "3.5.0"
"""The Loki whose language and API this is; Grafana chooses its requests by it."""


@requires("query")
@loki_view("GET")
def build_info(request: HttpRequest) -> HttpResponse:
    """/loki/api/v1/status/buildinfo"""
    rest = dict.fromkeys(("branch", "buildUser", "buildDate", "goVersion"), "")
    return plain_json({"version": COMPATIBLE_VERSION, "revision": f"belvedere-{VERSION}", **rest})


@public
@loki_view("GET")
def ready(request: HttpRequest) -> HttpResponse:
    """/ready"""
    current()
    return HttpResponse("ready\n", content_type="text/plain; charset=utf-8")
