"""`/settings/deletions`: delete log records by query, looked at first and confirmed by hand; receipts stay."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from dashboard.log_deletion import DeletionPreview, deletion_preview, deletion_query
from fleet.actions.log_deletions import ask_for_log_deletion
from fleet.models import LogDeletion
from telemetry.model.errors import TelemetryError
from telemetry.store import current

_SHOWN = 100


class DeletionForm(forms.Form):
    """Which records."""

    query = forms.CharField(label="LogQL or words", max_length=4000, required=False)
    service = forms.CharField(label="Service", max_length=200, required=False)
    start = forms.DateTimeField(label="From (UTC)")
    end = forms.DateTimeField(label="To (UTC)")

    def clean(self) -> dict[str, Any] | None:
        found = super().clean()
        if found and "start" in found and "end" in found and found["end"] <= found["start"]:
            raise forms.ValidationError("The end is not after the start.")
        return found


@requires("view:settings")
@require_http_methods(["GET", "POST"])
def deletions(request: HttpRequest) -> HttpResponse:
    """The receipts; a POST previews a deletion, and asks for it once it was confirmed by the right word."""
    actor = actor_of(request)
    may_delete = actor.can("manage:deletions")
    if request.method == "POST" and not may_delete:
        return HttpResponse("your role may not delete log records", status=403)
    form = DeletionForm(request.POST) if request.method == "POST" else DeletionForm(initial=_last_day())
    context: dict[str, Any] = {"page_title": "Deletions", "form": form, "may_delete": may_delete}
    if request.method == "POST" and form.is_valid():
        try:
            preview = context["preview"] = _preview(form)
        except TelemetryError as error:
            form.add_error(None, f"It could not be found out what this would delete: {error}.")
        else:
            asked = request.POST.get("do") == "delete"
            if asked and _is_asked_for(form, preview, request.POST, actor.audit_name):
                messages.success(request, f"{preview.extent.rows:,} log records are being deleted: see the receipt.")
                return redirect("/settings/deletions")
            context["refused"] = asked
    context["receipts"] = LogDeletion.objects.all()[:_SHOWN]
    return render(request, "settings/deletions.html", context)


@requires("view:settings")
@require_GET
def receipts(request: HttpRequest) -> HttpResponse:
    """The receipts alone, asked for again while one is at work."""
    return render(request, "settings/_deletions.html", {"receipts": LogDeletion.objects.all()[:_SHOWN]})


def _preview(form: DeletionForm) -> DeletionPreview:
    cleaned = form.cleaned_data
    query = deletion_query(cleaned["query"], cleaned["service"], _ns(cleaned["start"]), _ns(cleaned["end"]) - 1)
    return deletion_preview(current(), query)


def _is_asked_for(form: DeletionForm, preview: DeletionPreview, typed: Any, actor: str) -> bool:
    cleaned = form.cleaned_data
    if not preview.extent.rows or not preview.is_confirmed_by(typed.get("confirmation", ""), cleaned["service"]):
        return False
    ask_for_log_deletion(
        query=cleaned["query"],
        service=cleaned["service"],
        start_ns=_ns(cleaned["start"]),
        end_ns=_ns(cleaned["end"]) - 1,
        rows_matched=preview.extent.rows,
        actor=actor,
    )
    return True


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 10**6) * 1000


def _last_day() -> dict[str, str]:
    now = timezone.now()
    return {"start": f"{now - timedelta(days=1):%Y-%m-%d %H:%M}", "end": f"{now:%Y-%m-%d %H:%M}"}
