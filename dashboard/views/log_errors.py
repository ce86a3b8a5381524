"""`/logs/errors`: errors of the logs, and what people decide about them."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from dashboard.accounts.next_url import safe_next
from dashboard.logged_errors import note_logged_errors
from dashboard.panels.log_errors import error_list
from dashboard.panels.time_range import page_range
from fleet.actions.logs import decide_error
from fleet.models import LoggedError, Service
from telemetry.model.errors import TelemetryError
from telemetry.store import current


@requires("view:fleet")
@require_GET
def errors(request: HttpRequest) -> HttpResponse:
    """Errors seen in the range, by state."""
    state = request.GET.get("state", LoggedError.State.OPEN)
    state = state if state in LoggedError.State.values else LoggedError.State.OPEN
    service = request.GET.get("service", "")
    time_range = page_range(request.GET)
    context: dict[str, Any] = {
        "page_title": "Logs",
        "tab": "errors",
        "time_range": time_range,
        "service": service,
        "tab_service": service,
        "state": state,
        "states": LoggedError.State.choices,
        "service_names": Service.objects.order_by("name").values_list("name", flat=True),
        "may_manage": actor_of(request).can("manage:logs"),
        "undo": _undo(request),
        "here": request.get_full_path(),
    }
    try:
        note_logged_errors(current())
        context["found"] = error_list(current(), time_range, state=state, service=service)
    except TelemetryError as error:
        context["error"] = str(error)
    return render(request, "logs/errors.html", context)


def _undo(request: HttpRequest) -> dict[str, str] | None:
    """What was just decided and can be taken back."""
    changed, before = request.GET.get("changed", ""), request.GET.get("was", "")
    if not changed or before not in LoggedError.State.values:
        return None
    row = LoggedError.objects.filter(fingerprint=changed[:16]).first()
    return {"fingerprint": row.fingerprint, "before": before, "now": row.state, "name": str(row)} if row else None


@requires("manage:logs")
@require_POST
def decide(request: HttpRequest, fingerprint: str) -> HttpResponse:
    """Resolve, ignore or open an error; the page that follows offers to undo it."""
    try:
        _, before = decide_error(
            fingerprint=fingerprint, state=request.POST.get("state", ""), actor=actor_of(request).audit_name
        )
    except LoggedError.DoesNotExist as error:
        raise Http404("there is no such error") from error
    except ValueError as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    back = safe_next(request.POST.get("next", "/logs/errors"))
    if request.POST.get("undo"):
        return redirect(back)
    return redirect(f"{back}{'&' if '?' in back else '?'}{urlencode({'changed': fingerprint, 'was': before})}")
