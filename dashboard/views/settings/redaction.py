"""`/settings/redaction`: what is replaced in log records before storage, tried on stored ones before it is on."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from dashboard.panels.redaction import masked, rule_previews, sampled_records
from dashboard.runtime.log_care import every_rule, switched_on_by_settings
from fleet.actions.log_care import (
    InvalidLogCare,
    add_redaction_pattern,
    remove_redaction_pattern,
    switch_redaction,
)
from fleet.models import RedactionPattern, RedactionSwitch, Service
from fleet.selectors.log_care import log_care_rows
from telemetry.model.errors import InvalidInput, TelemetryError
from telemetry.store import current
from telemetry.store.redaction import EVERY_SERVICE, Redaction, Rule, known_rules


class PatternForm(forms.Form):
    """A rule of one's own, and a text to try it on."""

    name = forms.RegexField(r"^[a-z][a-z0-9_]*$", label="Name (a-z, 0-9, _)", max_length=60)
    pattern = forms.CharField(label="Pattern (RE2)", max_length=2000, strip=False)
    text = forms.CharField(
        label="Text to try it on", max_length=10_000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def clean_pattern(self) -> str:
        pattern = str(self.cleaned_data["pattern"])
        try:
            Redaction({EVERY_SERVICE: (Rule("pattern", pattern),)})
        except InvalidInput as error:
            raise forms.ValidationError(f"RE2 does not take it: {error.__cause__}") from error
        if masked("", Rule("pattern", pattern)) is not None:
            raise forms.ValidationError("It matches the empty text, so it would touch every line.")
        return pattern


@requires("view:settings")
@require_http_methods(["GET", "POST"])
def redaction(request: HttpRequest) -> HttpResponse:
    """The rules of one service with what they would touch; a POST tries a rule of one's own, `do=save` keeps it."""
    actor = actor_of(request)
    may_manage = actor.can("manage:log-care")
    if request.method == "POST" and not may_manage:
        return HttpResponse("your role may not change redaction", status=403)
    form = PatternForm(request.POST if request.method == "POST" else None)
    service = request.GET.get("service") or EVERY_SERVICE
    context: dict[str, Any] = {"page_title": "Redaction", "form": form, "may_manage": may_manage, "service": service}
    if request.method == "POST" and form.is_valid():
        if request.POST.get("do") == "save" and _saved(form, actor.audit_name):
            messages.success(
                request, f"The rule {form.cleaned_data['name']} is there; switch it on where it is wanted."
            )
            return redirect(_address(service))
        context["tried"] = _tried(form) if form.is_valid() else None
    return render(request, "settings/redaction.html", {**context, **_rules_of(service)})


@requires("manage:log-care")
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Switch `rule` `on` or off for `service`."""
    service, rule = request.POST.get("service", "")[:200], request.POST.get("rule", "")
    on = request.POST.get("on") == "1"
    if not service or (on and rule not in every_rule(log_care_rows())):
        return HttpResponse(f"there is no redaction rule {rule[:60]!r} or no service is named", status=400)
    switch_redaction(service=service, rule=rule, on=on, actor=actor_of(request).audit_name)
    whom = "every service" if service == EVERY_SERVICE else service
    if on:
        messages.success(request, f"{rule} is on for {whom} within seconds; stored records stay as they are.")
    else:
        messages.success(request, f"{rule} is off for {whom} within seconds; what was replaced stays replaced.")
    return redirect(_address(service))


@requires("manage:log-care")
@require_POST
def remove(request: HttpRequest, pattern_id: int) -> HttpResponse:
    """End a rule of one's own, wherever it is on."""
    pattern = get_object_or_404(RedactionPattern, pk=pattern_id)
    remove_redaction_pattern(pattern=pattern, actor=actor_of(request).audit_name)
    messages.success(request, f"The rule {pattern.name} is gone.")
    return redirect("/settings/redaction")


def _rules_of(service: str) -> dict[str, Any]:
    rows = log_care_rows()
    known = every_rule(rows)
    own = {row.name: row for row in RedactionPattern.objects.all()}
    switches = list(RedactionSwitch.objects.all())
    on = {row.rule for row in switches if row.service == service}
    by_settings = {
        rule.name
        for name, rules in switched_on_by_settings(known).items()
        if name in (service, EVERY_SERVICE)
        for rule in rules
    }
    found: dict[str, Any] = {
        "switches": switches,
        "own": own,
        "known": known,
        "everywhere": {row.rule for row in switches if row.service == EVERY_SERVICE},
        "services": list(Service.objects.order_by("name").values_list("name", flat=True)),
    }
    try:
        records = sampled_records(current(), service)
    except TelemetryError as error:
        return {**found, "error": str(error)}
    return {**found, "records": records, "rules": rule_previews(records, known, list(own), by_settings, on)}


def _saved(form: PatternForm, actor: str) -> bool:
    taken = frozenset(known_rules("")) | frozenset(every_rule(log_care_rows()))
    name, pattern = form.cleaned_data["name"], form.cleaned_data["pattern"]
    try:
        add_redaction_pattern(name=name, pattern=pattern, taken=taken, actor=actor)
    except InvalidLogCare as error:
        form.add_error("name", f"It needs another name: {error}.")
        return False
    return True


def _tried(form: PatternForm) -> dict[str, Any]:
    rule = Rule(form.cleaned_data["name"], form.cleaned_data["pattern"])
    text = form.cleaned_data["text"]
    return {"text": text, "masked": masked(text, rule) if text else None}


def _address(service: str) -> str:
    return f"{reverse('settings-redaction')}?{urlencode({'service': service})}"
