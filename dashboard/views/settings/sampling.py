"""`/settings/sampling`: of which services a share of the log records is stored, and by whose rule."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from fleet.actions.log_care import add_sampling_rule, remove_sampling_rule
from fleet.models import SamplingRule
from telemetry.model.errors import InvalidInput
from telemetry.store.sampling import Sampling
from telemetry.store.sampling import SamplingRule as Rule


class SamplingForm(forms.Form):
    """A new rule."""

    service = forms.CharField(label="Service", max_length=200)
    severity_max = forms.TypedChoiceField(
        label="Which records", choices=SamplingRule.Severity.choices, coerce=int, initial=SamplingRule.Severity.WARN
    )
    pattern = forms.CharField(label="Whose line matches (RE2)", max_length=2000, required=False, strip=False)
    keep_one_in = forms.IntegerField(label="Keep one in", min_value=2, max_value=1_000_000, initial=10)

    def clean_pattern(self) -> str:
        pattern = str(self.cleaned_data["pattern"])
        try:
            Sampling([Rule("service", 2, pattern=pattern)])
        except InvalidInput as error:
            raise forms.ValidationError(f"RE2 does not take it: {error.__cause__}") from error
        return pattern


@requires("view:settings")
@require_http_methods(["GET", "POST"])
def sampling(request: HttpRequest) -> HttpResponse:
    """The rules; a POST adds one."""
    actor = actor_of(request)
    may_manage = actor.can("manage:log-care")
    if request.method == "POST" and not may_manage:
        return HttpResponse("your role may not change sampling", status=403)
    form = SamplingForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        rule = add_sampling_rule(**form.cleaned_data, actor=actor.audit_name)
        messages.success(request, f"{rule}: for what arrives from now on, within seconds.")
        return redirect("/settings/sampling")
    context = {
        "page_title": "Sampling",
        "form": form,
        "may_manage": may_manage,
        "rules": SamplingRule.objects.all(),
    }
    return render(request, "settings/sampling.html", context)


@requires("manage:log-care")
@require_POST
def remove(request: HttpRequest, rule_id: int) -> HttpResponse:
    """End a rule."""
    rule = get_object_or_404(SamplingRule, pk=rule_id)
    remove_sampling_rule(rule=rule, actor=actor_of(request).audit_name)
    messages.success(request, f"The rule is gone: everything of {rule.service} is kept that no other rule names.")
    return redirect("/settings/sampling")
