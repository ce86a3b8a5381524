"""`/settings/limits`: what single services may send, and who was refused what."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from collectors.receivers.refusal_log import REFUSALS
from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from fleet.actions.limits import lift_service_limit, set_service_limit
from fleet.models import ServiceLimit

_MOST = 2**31 - 1


class LimitForm(forms.Form):
    """Limits of one service; an empty field is the limit of the settings, or none."""

    service = forms.CharField(label="Service", max_length=200)
    max_series = forms.IntegerField(label="Series", min_value=0, max_value=_MOST, required=False)
    new_series_per_hour = forms.IntegerField(label="New series an hour", min_value=0, max_value=_MOST, required=False)
    samples_per_second = forms.IntegerField(label="Samples a second", min_value=1, max_value=_MOST, required=False)

    def clean(self) -> dict[str, Any] | None:
        found = super().clean()
        if found and all(found.get(name) is None for name in self.fields if name != "service"):
            raise forms.ValidationError("Set at least one limit.")
        return found


@requires("view:settings")
@require_http_methods(["GET", "POST"])
def limits(request: HttpRequest) -> HttpResponse:
    """The rows and the refusals; a POST sets the limits of a service."""
    actor = actor_of(request)
    may_manage = actor.can("manage:limits")
    if request.method == "POST" and not may_manage:
        return HttpResponse("your role may not change limits", status=403)
    form = LimitForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        row = set_service_limit(**form.cleaned_data, actor=actor.audit_name)
        messages.success(request, f"The limits of {row} are in force within seconds.")
        return redirect("/settings/limits")
    context = {
        "page_title": "Limits",
        "form": form,
        "rows": ServiceLimit.objects.all(),
        "may_manage": may_manage,
        "max_series": settings.TELEMETRY["max_series_per_service"],
        "refusals": REFUSALS.newest(),
    }
    return render(request, "settings/limits.html", context)


@requires("manage:limits")
@require_POST
def lift(request: HttpRequest, limit_id: int) -> HttpResponse:
    """Back to the limits of the settings."""
    lift_service_limit(limit=get_object_or_404(ServiceLimit, pk=limit_id), actor=actor_of(request).audit_name)
    messages.success(request, "The service has the limits of the settings again.")
    return redirect("/settings/limits")
