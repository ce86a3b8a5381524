"""The people of this Belvedere, for administrators."""

from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.accounts.actor import actor_of
from dashboard.accounts.declarations import requires
from dashboard.accounts.forms import PersonForm
from dashboard.accounts.models import TotpDevice, User
from dashboard.accounts.people import (
    LastAdministrator,
    change_role,
    create_person,
    reset_factors_of,
    set_active,
)
from dashboard.accounts.person import ask_for_factor, fresh_factor
from dashboard.accounts.sessions import factor_is_fresh
from dashboard.accounts.setup import invitation_link

PAGE = "/settings/users"


@requires("manage:users")
@require_http_methods(["GET", "POST"])
def users(request: HttpRequest) -> HttpResponseBase:
    """List everyone; a sent form makes a person and shows the invitation once."""
    if request.method == "POST" and not factor_is_fresh(request):
        return ask_for_factor(request, PAGE)
    form = PersonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        user = create_person(request, username=form.cleaned_data["username"], role=form.cleaned_data["role"])
        return _invited(request, user)
    return render(request, "accounts/users.html", _context(request, form))


@requires("manage:users")
@require_POST
@fresh_factor(PAGE)
def invite(request: HttpRequest, user_id: int) -> HttpResponseBase:
    """A new link at which the person sets a password; it leaves the second factor as it is."""
    return _invited(request, get_object_or_404(User, pk=user_id))


@requires("manage:users")
@require_POST
@fresh_factor(PAGE)
def role(request: HttpRequest, user_id: int) -> HttpResponseBase:
    user, wanted = get_object_or_404(User, pk=user_id), request.POST.get("role", "")
    if wanted not in User.Role.values:
        return HttpResponse(f"role {wanted!r} is none of {', '.join(User.Role.values)}", status=400)
    try:
        change_role(request, user, wanted)
    except LastAdministrator as error:
        messages.error(request, str(error))
    return redirect(PAGE)


@requires("manage:users")
@require_POST
@fresh_factor(PAGE)
def activity(request: HttpRequest, user_id: int) -> HttpResponseBase:
    """Disable or enable."""
    user = get_object_or_404(User, pk=user_id)
    try:
        set_active(request, user, request.POST.get("active") == "yes")
    except LastAdministrator as error:
        messages.error(request, str(error))
    return redirect(PAGE)


@requires("manage:users")
@require_POST
@fresh_factor(PAGE)
def reset(request: HttpRequest, user_id: int) -> HttpResponseBase:
    """Reset the factors."""
    user = get_object_or_404(User, pk=user_id)
    reset_factors_of(request, user)
    messages.success(request, f"{user.get_username()} enrols a new authenticator at the next sign-in.")
    return redirect(PAGE)


def _invited(request: HttpRequest, user: User) -> HttpResponse:
    link = invitation_link(user, actor=actor_of(request).audit_name)
    context = {**_context(request, PersonForm()), "link": link, "invited": user}
    return render(request, "accounts/users.html", context)


def _context(request: HttpRequest, form: PersonForm) -> dict[str, object]:
    authenticator = TotpDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
    people = User.objects.annotate(has_authenticator=Exists(authenticator)).order_by("username")
    return {
        "page_title": "Users",
        "form": form,
        "people": people,
        "roles": User.Role.choices,
        "fresh": factor_is_fresh(request),
    }
