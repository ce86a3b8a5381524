"""`/settings/senders`: commands to copy, with this address filled in, and what has arrived so far."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.accounts.gate import requires
from dashboard.panels.arrivals import arrivals
from dashboard.views.settings.snippets import snippets


@requires("view:settings")
@require_GET
def senders(request: HttpRequest) -> HttpResponse:
    context = {"page_title": "Senders", "snippets": snippets(settings.PUBLIC_URL), "arrivals": arrivals()}
    template = "settings/_arrivals.html" if request.headers.get("HX-Request") else "settings/senders.html"
    return render(request, template, context)
