"""`/settings/advisories`: feeds of known vulnerabilities, how old they are, and a button that fetches them."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from dashboard.panels.feeds import feed_states
from fleet.actions.audit import record
from fleet.jobs import enqueue


@requires("view:settings")
@require_safe
def advisories(request: HttpRequest) -> HttpResponse:
    context = {
        "page_title": "Advisories",
        "feeds": feed_states(timezone.now()),
        "configured": settings.ADVISORY_FEEDS,
        "public_url": settings.PUBLIC_URL,
        "may_manage": actor_of(request).can("manage:advisories"),
    }
    return render(request, "settings/advisories.html", context)


@requires("manage:advisories")
@require_POST
def fetch_feeds(request: HttpRequest) -> HttpResponse:
    """Queue a fetch of all configured feeds; a second click within a minute is the same fetch."""
    now = timezone.now()
    enqueue("advisories.fetch", idempotency_key=f"advisories.fetch:{_minute(now)}")
    record(actor=actor_of(request).audit_name, action="advisories.fetch_requested", object_type="advisory_feed")
    messages.success(request, "The feeds are being fetched; this page and Health say how it went.")
    return redirect("/settings/advisories")


def _minute(now: datetime) -> str:
    return (now - timedelta(seconds=now.second)).strftime("%Y-%m-%dT%H:%M")
