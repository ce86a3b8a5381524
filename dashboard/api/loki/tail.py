"""What a client asks to see live, checked as any query before a connection is made of it."""

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse

from dashboard.accounts.gate import requires
from dashboard.api.loki.answers import loki_view
from dashboard.api.loki.params import limit_of, query_text, span_of, value_of
from telemetry.logql.parser import parse_log_query
from telemetry.model.errors import InvalidInput

MOST_DELAY_SECONDS: Final = 5
UPGRADE_REQUIRED: Final = 426


@dataclass(frozen=True, slots=True)
class TailRequest:
    """Lines since start_ns (at most `limit`), then new ones, each shown `delay_seconds` after its time."""

    query: str
    start_ns: int
    limit: int
    delay_seconds: int


@requires("query")
@loki_view("GET")
def tail(request: HttpRequest) -> HttpResponse:
    """/loki/api/v1/tail: who may watch, and what; the lines themselves go through a WebSocket (`tail_app`)."""
    tail_request(request)
    return HttpResponse(
        "a WebSocket is needed to watch lines live\n", status=UPGRADE_REQUIRED, content_type="text/plain"
    )


def tail_request(request: HttpRequest) -> TailRequest:
    """The parameters. Raises InvalidInput."""
    text = query_text(request)
    parse_log_query(text)
    delay = value_of(request, "delay_for") or "0"
    if not (delay.isascii() and delay.isdigit() and int(delay[:9]) <= MOST_DELAY_SECONDS):
        raise InvalidInput(f"delay_for can't be greater than {MOST_DELAY_SECONDS}, and {delay[:20]!r} was asked for")
    return TailRequest(text, span_of(request).start_ns, limit_of(request), int(delay))
