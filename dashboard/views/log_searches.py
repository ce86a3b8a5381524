"""Saved searches of the logs page: kept under a name, for oneself or for everyone, and removed."""

from urllib.parse import parse_qsl, urlencode

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from fleet.actions.logs import CannotSave, remove_search, save_search
from fleet.actions.services import InvalidName
from fleet.models import SavedSearch

KEPT = frozenset({"q", "service", "severity", "label", "field", "trace", "pattern", "view", "col"})
"""Parameters of the address that a search consists of; the time range is not among them."""


@requires("view:fleet")
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep the search of the given address."""
    actor = actor_of(request)
    kept = urlencode([pair for pair in parse_qsl(request.POST.get("query", "")) if pair[0] in KEPT])
    shared = bool(request.POST.get("shared")) and actor.can("manage:logs")
    try:
        search = save_search(
            name=request.POST.get("name", ""), query=kept, shared=shared, owner=actor.name, actor=actor.audit_name
        )
    except (InvalidName, CannotSave) as error:
        messages.error(request, f"Not saved: {error}.")
    else:
        messages.success(request, f"Saved as “{search.name}”{' for everyone' if shared else ''}.")
    return redirect(f"/logs?{kept}" if kept else "/logs")


@requires("view:fleet")
@require_POST
def remove(request: HttpRequest, search_id: int) -> HttpResponse:
    """Forget an own search, or a shared one if the role may share."""
    actor = actor_of(request)
    mine = Q(owner=actor.name)
    if actor.can("manage:logs"):
        mine |= Q(shared=True)
    search = get_object_or_404(SavedSearch.objects.filter(mine), pk=search_id)
    remove_search(search=search, actor=actor.audit_name)
    messages.success(request, f"“{search.name}” is gone.")
    return redirect("/logs")
