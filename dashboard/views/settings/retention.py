"""`/settings/retention`: how long samples and log records are kept, and rules that end them earlier, tried first."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from fleet.actions.retention import InvalidRetention, add_retention_rule, remove_retention_rule
from fleet.models import RetentionRule, Team
from policies.retention import would_remove, would_remove_logs
from telemetry.model.errors import TelemetryError
from telemetry.store import current
from telemetry.store.queries import LogExtent
from telemetry.store.selector_retention import Removal


class RetentionForm(forms.Form):
    """A new rule: which series or log records, how many days."""

    signal = forms.ChoiceField(label="Of", choices=RetentionRule.Signal.choices, initial=RetentionRule.Signal.METRICS)
    selector = forms.CharField(label="Selector (PromQL or LogQL)", max_length=2000, required=False)
    service = forms.CharField(label="of service", max_length=200, required=False)
    team = forms.ModelChoiceField(label="of team", queryset=Team.objects.all(), required=False, empty_label="any")
    days = forms.IntegerField(label="Days", min_value=1, max_value=36_500, initial=30)


@requires("view:settings")
@require_http_methods(["GET", "POST"])
def retention(request: HttpRequest) -> HttpResponse:
    """The rules with their receipts; a POST previews a rule, and saves it with `do=save`."""
    actor = actor_of(request)
    may_manage = actor.can("manage:retention")
    if request.method == "POST" and not may_manage:
        return HttpResponse("your role may not change retention rules", status=403)
    form = RetentionForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"page_title": "Retention", "form": form, "may_manage": may_manage}
    if request.method == "POST" and form.is_valid():
        try:
            context["preview"] = _preview(**form.cleaned_data)
            if request.POST.get("do") == "save":
                rule = add_retention_rule(**form.cleaned_data, actor=actor.audit_name)
                messages.success(request, f"{rule}: carried out within the hour, and every hour from then on.")
                return redirect("/settings/retention")
        except InvalidRetention as error:
            form.add_error(None, f"This rule cannot work: {error}.")
        except TelemetryError as error:
            form.add_error(None, f"It could not be found out what the rule would remove: {error}.")
    context["rules"] = RetentionRule.objects.select_related("team")
    context["general_days"] = settings.TELEMETRY["sample_retention_days"]
    context["general_log_days"] = settings.TELEMETRY["log_retention_days"]
    return render(request, "settings/retention.html", context)


def _preview(signal: str, **rule: Any) -> Removal | LogExtent:
    if signal == RetentionRule.Signal.LOGS:
        return would_remove_logs(current(), **rule)
    return would_remove(current(), **rule)


@requires("manage:retention")
@require_POST
def remove_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    """End a rule."""
    remove_retention_rule(rule=get_object_or_404(RetentionRule, pk=rule_id), actor=actor_of(request).audit_name)
    messages.success(request, "The rule is gone; what it removed stays removed.")
    return redirect("/settings/retention")
