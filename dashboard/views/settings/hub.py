"""`/settings`: the way to every settings page that the person may open."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from dashboard.views.settings.tabs import tabs_for


@requires("view:settings")
@require_GET
def hub(request: HttpRequest) -> HttpResponse:
    return render(request, "settings/hub.html", {"page_title": "Settings", "cards": tabs_for(actor_of(request))})
