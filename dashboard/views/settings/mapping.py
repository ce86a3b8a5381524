"""`/settings/mapping`: rules that name the service of telemetry, tried out before they count."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from dashboard.panels.coverage import mapping_coverage
from fleet.actions.mapping import InvalidRule, add_rule, remove_rule
from fleet.mapping import WELL_KNOWN
from fleet.models import MappingRule


class RuleForm(forms.Form):
    """A new rule."""

    signal = forms.ChoiceField(label="For", choices=MappingRule.Signal.choices, initial=MappingRule.Signal.ANY)
    label = forms.CharField(label="Label, attribute or tag", max_length=200)
    pattern = forms.CharField(label="Matches (RE2, whole value)", max_length=500, initial="(.+)")
    service_name = forms.CharField(label="Service", max_length=200, initial="\\1")
    position = forms.IntegerField(label="Position", min_value=0, max_value=100_000, initial=100)


@requires("view:settings")
@require_http_methods(["GET", "POST"])
def mapping(request: HttpRequest) -> HttpResponse:
    may_manage = actor_of(request).can("manage:mapping")
    form = RuleForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not may_manage:
            return HttpResponse("your role may not change mapping rules", status=403)
        if form.is_valid() and _added(request, form):
            return redirect("/settings/mapping")
    context = {
        "page_title": "Mapping",
        "rules": MappingRule.objects.all(),
        "form": form,
        "may_manage": may_manage,
        "well_known": WELL_KNOWN,
        "coverage": mapping_coverage(),
    }
    return render(request, "settings/mapping.html", context)


def _added(request: HttpRequest, form: RuleForm) -> bool:
    try:
        rule = add_rule(**form.cleaned_data, actor=actor_of(request).audit_name)
    except InvalidRule as error:
        form.add_error(None, f"This rule cannot work: {error}.")
        return False
    messages.success(request, f"{rule} counts for new series, log streams and charges from now on.")
    return True


@requires("manage:mapping")
@require_POST
def delete_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    rule = get_object_or_404(MappingRule, pk=rule_id)
    remove_rule(rule=rule, actor=actor_of(request).audit_name)
    messages.success(request, "The rule is gone; what it named keeps its name.")
    return redirect("/settings/mapping")
