"""`/settings/targets`: what is scraped, how it went, and the form for one more."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from dashboard.views.settings.scrape_jobs import PAGE_TARGETS
from fleet.actions.targets import TargetExists, add_target, remove_target, switch_target
from fleet.models import Target
from fleet.selectors.scrape_targets import job_summaries


class TargetForm(forms.Form):
    """A new target."""

    url = forms.CharField(label="Address", max_length=500)
    job = forms.CharField(label="Job", max_length=200)
    interval_seconds = forms.IntegerField(label="Every ... seconds", min_value=1, max_value=86_400, required=False)

    def clean_url(self) -> str:
        """Hosts of inner networks have no dots, which Django's own URL field does not know."""
        try:
            parts = urlsplit(str(self.cleaned_data["url"]).strip())
            parts.port  # noqa: B018 - a port that is no number raises here
        except ValueError as error:
            raise forms.ValidationError(f"this is no address: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise forms.ValidationError("an address starts with http:// or https:// and names a host")
        if parts.username or parts.password:
            raise forms.ValidationError("an address must not hold a password")
        return parts.geturl()


@requires("view:settings")
@require_http_methods(["GET", "POST"])
def targets(request: HttpRequest) -> HttpResponse:
    form = TargetForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not actor_of(request).can("manage:targets"):
            return HttpResponse("your role may not change targets", status=403)
        if form.is_valid() and _added(request, form):
            return redirect("/settings/targets")
    page = Paginator(Target.objects.select_related("service"), PAGE_TARGETS).get_page(request.GET.get("page"))
    context = {"page_title": "Targets", "page": page, "form": form, "may_manage": _may_manage(request)}
    if not request.headers.get("HX-Request"):
        context["jobs"] = job_summaries()
    template = "settings/_targets.html" if request.headers.get("HX-Request") else "settings/targets.html"
    return render(request, template, context)


def _may_manage(request: HttpRequest) -> bool:
    return actor_of(request).can("manage:targets")


def _added(request: HttpRequest, form: TargetForm) -> bool:
    values: dict[str, Any] = form.cleaned_data
    try:
        target = add_target(**values, actor=actor_of(request).audit_name)
    except TargetExists as error:
        form.add_error("url", str(error))
        return False
    messages.success(request, f"{target.url} is scraped from now on; its first result appears within seconds.")
    return True


@requires("manage:targets")
@require_POST
def change_target(request: HttpRequest, target_id: int) -> HttpResponse:
    """Pause, resume or remove one target."""
    target = get_object_or_404(Target, pk=target_id)
    actor = actor_of(request).audit_name
    match request.POST.get("do"):
        case "pause":
            switch_target(target=target, enabled=False, actor=actor)
        case "resume":
            switch_target(target=target, enabled=True, actor=actor)
        case "remove" if not target.builtin:
            remove_target(target=target, actor=actor)
            messages.success(request, f"{target.url} is no longer scraped; what it sent so far stays.")
        case other:
            return HttpResponse(f"cannot {other!r} this target", status=400)
    return redirect("/settings/targets")
