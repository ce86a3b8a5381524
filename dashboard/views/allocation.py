"""`/cost/allocation`: rules that give shared cost to services, tried out on last month before they are saved."""

from datetime import UTC, datetime
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from dashboard.panels.allocation_preview import allocation_preview
from fleet.actions.costs import add_allocation
from fleet.selectors.costs import allocation_versions
from policies.costs.allocation import read_allocation_policy
from policies.documents.located import DocumentError
from telemetry.model.errors import TelemetryError

MOST_CHARACTERS: Final = 200_000
START: Final = """\
apiVersion: belvedere/v1
kind: AllocationPolicy
metadata:
  name: shared
spec:
  rules:
    # The first rule that matches a charge decides; "" is what no tag gives to a service.
    - name: rest
      match: {service: [""]}
      split: {method: proportional, by: cost}
"""


class AllocationForm(forms.Form):
    """Rules and the day from which they hold."""

    document = forms.CharField(
        label="Rules (YAML)",
        max_length=MOST_CHARACTERS,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 18, "class": "mono", "spellcheck": "false", "wrap": "off"}),
    )
    valid_from = forms.DateField(label="In force from (UTC day)", widget=forms.DateInput(attrs={"type": "date"}))


@requires("view:cost")
@require_http_methods(["GET", "POST"])
def allocation(request: HttpRequest) -> HttpResponse:
    """The rules in force and their versions; a POST previews a document, and saves it with `do=save`."""
    actor = actor_of(request)
    may_manage = actor.can("manage:costs")
    today = datetime.now(UTC).date()
    versions = list(reversed(allocation_versions()))
    in_force = next((version for version in versions if version.valid_from <= today), None)
    if request.method == "POST":
        if not may_manage:
            return HttpResponse("your role may not change allocation rules", status=403)
        form = AllocationForm(request.POST)
    else:
        shown = next((each for each in versions if str(each.pk) == request.GET.get("version")), in_force)
        form = AllocationForm(
            initial={"document": shown.document if shown else START, "valid_from": today.replace(day=1)}
        )
    context: dict[str, Any] = {
        "page_title": "Allocation",
        "form": form,
        "may_manage": may_manage,
        "versions": versions,
        "in_force": in_force,
    }
    if request.method == "POST" and form.is_valid():
        try:
            policy = read_allocation_policy(form.cleaned_data["document"])
            if request.POST.get("do") == "save":
                add_allocation(name=policy.name, actor=actor.audit_name, **form.cleaned_data)
                messages.success(request, f"In force from {form.cleaned_data['valid_from']} on.")
                return redirect("/cost/allocation")
            context["preview"] = allocation_preview(policy, today)
        except DocumentError as error:
            form.add_error("document", str(error))
        except TelemetryError as error:
            form.add_error(None, f"Last month could not be read: {error}")
    return render(request, "cost/allocation.html", context)
