"""A person's own account: password, factors, sessions."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dashboard.accounts.declarations import requires
from dashboard.accounts.factors import FactorState
from dashboard.accounts.forms import ChangePasswordForm
from dashboard.accounts.known_browser import guard_for
from dashboard.accounts.models import User, UserSession
from dashboard.accounts.passwords import user_with_password
from dashboard.accounts.person import fresh_factor, person
from dashboard.accounts.sessions import end_sessions, factor_is_fresh, is_current, live_sessions
from dashboard.accounts.trail import note


@requires("account")
@require_GET
def account(request: HttpRequest) -> HttpResponseBase:
    """Everything about the own account on one page."""
    user = person(request)
    context = {
        "page_title": "Your account",
        "person": user,
        "state": FactorState.of(user),
        "fresh": factor_is_fresh(request),
        "sessions": [(row, is_current(request, row)) for row in live_sessions(user)],
        "themes": User.Theme.choices,
    }
    return render(request, "accounts/account.html", context)


@requires("account")
@sensitive_post_parameters("password", "new_password", "repeated")
@require_http_methods(["GET", "POST"])
@fresh_factor("/account/password")
def password(request: HttpRequest) -> HttpResponseBase:
    """Change the password; every other session of the person ends."""
    user = person(request)
    form = ChangePasswordForm(request.POST if request.method == "POST" else None, user=user)
    if not (form.is_valid() and _current_is_right(request, form, user)):
        return render(request, "accounts/password.html", {"form": form})
    with transaction.atomic():
        user.set_password(form.cleaned_data["new_password"])
        user.save(update_fields=["password"])
        ended = end_sessions(user, keep=request)
        note(request, "user.password_changed", object_type="user", object_id=user.get_username())
    update_session_auth_hash(request, user)
    messages.success(request, f"The password is changed. Other sessions that ended: {ended}.")
    return redirect("/account")


@requires("account")
@require_POST
def end_one_session(request: HttpRequest, session_id: int) -> HttpResponseBase:
    """End one of the own sessions."""
    row = get_object_or_404(UserSession, pk=session_id, user=person(request))
    row.delete()
    note(request, "user.session_ended", object_type="user", object_id=person(request).get_username())
    return redirect("/account")


@requires("account")
@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponseBase:
    """End all own sessions but this one."""
    ended = end_sessions(person(request), keep=request)
    note(request, "user.sessions_ended", object_type="user", object_id=person(request).get_username())
    messages.success(request, f"Sessions that ended: {ended}.")
    return redirect("/account")


def _current_is_right(request: HttpRequest, form: ChangePasswordForm, user: User) -> bool:
    guard = guard_for(request, "password", user.get_username())
    if seconds := guard.seconds_to_wait():
        form.add_error("password", f"Too many tries. The next one is possible in {seconds} s.")
        return False
    if user_with_password(request, user.get_username(), form.cleaned_data["password"]) is None:
        form.add_error("password", "This is not the current password.")
        return False
    guard.forgive()
    return True
