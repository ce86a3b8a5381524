"""`/scaling/policies`: policy documents of every service, their versions, and the form for one more."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from fleet.actions.scaling import remove_scaling_policy, save_scaling_policy
from fleet.models import ScalingPolicy, Service
from fleet.selectors.scaling import scaling_policies
from policies.documents.located import DocumentError
from policies.scaling.backtest.documents import read_policies

MOST_BYTES = 200_000


class PolicyForm(forms.Form):
    """A document, pasted or as a file, for one service in one environment."""

    service = forms.ModelChoiceField(Service.objects.order_by("name"), to_field_name="name", label="Service")
    environment = forms.CharField(max_length=200, required=False, label="Environment")
    text = forms.CharField(
        max_length=MOST_BYTES,
        required=False,
        strip=False,
        label="Document (YAML)",
        widget=forms.Textarea(attrs={"rows": 12, "class": "mono", "spellcheck": "false"}),
    )
    file = forms.FileField(required=False, label="or a file", widget=forms.FileInput(attrs={"accept": ".yml,.yaml"}))

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        text = values.get("text") or ""
        if upload := values.get("file"):
            if upload.size > MOST_BYTES:
                raise forms.ValidationError(f"the file has {upload.size} bytes; at most {MOST_BYTES} are read")
            try:
                text = upload.read().decode()
            except UnicodeDecodeError as error:
                raise forms.ValidationError("the file is not UTF-8") from error
        try:
            values["reads"] = read_policies(text, "policy")
        except DocumentError as error:
            raise forms.ValidationError(str(error)) from error
        if len(values["reads"]) > 1:
            raise forms.ValidationError(
                f"the text holds {len(values['reads'])} documents; expected one, so that it has a history of its own"
            )
        return {**values, "text": text}


@requires("view:fleet")
@require_http_methods(["GET", "POST"])
def policies(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    may_manage = actor.can("manage:scaling")
    if request.method == "POST" and not may_manage:
        return HttpResponse("your role may not change scaling policies", status=403)
    edited = ScalingPolicy.objects.filter(pk=_whole(request.GET.get("edit"))).select_related("service").first()
    form = (
        PolicyForm(request.POST, request.FILES)
        if request.method == "POST"
        else PolicyForm(initial=_initial(request, edited))
    )
    if request.method == "POST" and form.is_valid():
        policy = _saved(form, actor.audit_name)
        messages.success(request, f"{policy.name} is saved as version {policy.version}. Nothing is applied by itself.")
        return redirect("/scaling/policies")
    service = request.GET.get("service", "")
    context = {
        "page_title": "Scaling policies",
        "tab": "policies",
        "form": form,
        "may_manage": may_manage,
        "edited": edited,
        "service": service,
        "policies": scaling_policies(service).prefetch_related("versions"),
    }
    return render(request, "scaling/policies.html", context)


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 18 else 0


def _initial(request: HttpRequest, edited: ScalingPolicy | None) -> dict[str, Any]:
    if edited is not None:
        return {"service": edited.service.name, "environment": edited.environment, "text": edited.text}
    return {"service": request.GET.get("service", ""), "environment": request.GET.get("environment", "")}


def _saved(form: PolicyForm, actor: str) -> ScalingPolicy:
    values = form.cleaned_data
    name = values["reads"][0].plan.name
    return save_scaling_policy(
        service=values["service"], environment=values["environment"], name=name, text=values["text"], actor=actor
    )


@requires("manage:scaling")
@require_POST
def remove_policy(request: HttpRequest, policy_id: int) -> HttpResponse:
    """Forget a policy with its versions."""
    policy = get_object_or_404(ScalingPolicy.objects.select_related("service"), pk=policy_id)
    remove_scaling_policy(policy=policy, actor=actor_of(request).audit_name)
    messages.success(request, f"{policy.name} is removed; what runs in the cluster is not touched.")
    return redirect("/scaling/policies")
