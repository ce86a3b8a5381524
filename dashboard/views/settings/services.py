"""`/settings/services`: teams, exposure and runbooks of services."""

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from fleet.actions.services import change_service
from fleet.actions.teams import TeamExists, create_team
from fleet.models import Service, Team
from fleet.selectors.services import services as all_services

_PER_PAGE = 100


class ServiceForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a person may say of a service."""

    runbook_url = forms.URLField(label="Runbook", max_length=200, required=False, assume_scheme="https")
    internet_facing = forms.NullBooleanField(
        label="Reachable from the internet",
        required=False,
        widget=forms.Select(choices=[("unknown", "unknown"), ("true", "yes"), ("false", "no")]),
    )

    class Meta:
        model = Service
        fields = ("team", "description", "runbook_url", "internet_facing")


class TeamForm(forms.Form):
    """A new team."""

    name = forms.CharField(label="New team", max_length=100)


@requires("view:settings")
@require_safe
def services(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("q", "").strip()
    rows = all_services().filter(name__icontains=wanted) if wanted else all_services()
    page = Paginator(rows, _PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page_title": "Services",
        "page": page,
        "wanted": wanted,
        "teams": Team.objects.all(),
        "team_form": TeamForm(),
        "may_manage": actor_of(request).can("manage:services"),
    }
    return render(request, "settings/services.html", context)


@requires("manage:services")
@require_http_methods(["GET", "POST"])
def edit_service(request: HttpRequest, service_id: int) -> HttpResponse:
    service = get_object_or_404(Service, pk=service_id)
    form = ServiceForm(request.POST or None, instance=Service.objects.get(pk=service_id))
    if request.method == "POST" and form.is_valid():
        change_service(service=service, values=form.cleaned_data, actor=actor_of(request).audit_name)
        messages.success(request, f"{service.name} is changed.")
        return redirect("/settings/services")
    context = {"page_title": service.name, "service": service, "form": form}
    return render(request, "settings/service.html", context)


@requires("manage:services")
@require_POST
def add_team(request: HttpRequest) -> HttpResponse:
    form = TeamForm(request.POST)
    if not form.is_valid():
        messages.error(request, "A team needs a name of 1 to 100 characters.")
        return redirect("/settings/services")
    try:
        team = create_team(name=form.cleaned_data["name"], actor=actor_of(request).audit_name)
        messages.success(request, f"Team {team.name} exists now; give it services below.")
    except TeamExists as error:
        messages.error(request, str(error))
    return redirect("/settings/services")
