"""Signing in: password, then second factor; the factor again before changes to the account; signing out."""

import logging

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from django_otp import user_has_device

from dashboard.accounts.actor import actor_of, actor_of_user
from dashboard.accounts.client_address import client_address
from dashboard.accounts.declarations import password_only, public, requires
from dashboard.accounts.factors import FactorState, accept_factor
from dashboard.accounts.forms import FactorForm, LoginForm
from dashboard.accounts.known_browser import guard_for, remember_browser
from dashboard.accounts.models import RecoveryDevice, TotpDevice, User
from dashboard.accounts.next_url import safe_next, with_next
from dashboard.accounts.passwords import TooBusy, user_with_password
from dashboard.accounts.person import person
from dashboard.accounts.sessions import end_session, start_session, verify_session
from dashboard.accounts.trail import note

log = logging.getLogger("belvedere.security")

WRONG_LOGIN = "The user name or the password is wrong."
WRONG_CODE = "The code is wrong, or it was used already. Wait for the next one."


@public
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest) -> HttpResponseBase:
    """Step one: name and password."""
    wanted = safe_next(request.POST.get("next") or request.GET.get("next"))
    if actor_of(request).kind == "user":
        return redirect(_step_after_password(request, wanted))
    form = LoginForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(request, "accounts/login.html", {"form": form, "next": wanted})
    username = form.cleaned_data["username"]
    guard = guard_for(request, "password", username)
    if seconds := guard.seconds_to_wait():
        return _wait(request, form, "accounts/login.html", wanted, seconds)
    try:
        user = user_with_password(request, username, form.cleaned_data["password"])
    except TooBusy:
        return _wait(request, form, "accounts/login.html", wanted, 10, status=503)
    if user is None:
        log.warning("sign-in failed", extra={"username": username, "address": client_address(request)})
        form.add_error(None, WRONG_LOGIN)
        return render(request, "accounts/login.html", {"form": form, "next": wanted}, status=401)
    guard.forgive()
    start_session(request, user)
    return redirect(_step_after_password(request, wanted))


@password_only
@require_http_methods(["GET", "POST"])
def factor(request: HttpRequest) -> HttpResponseBase:
    """Step two: a code of the authenticator, or a recovery code."""
    wanted = safe_next(request.POST.get("next") or request.GET.get("next"))
    if actor_of(request).verified or not user_has_device(request.user):
        return redirect(_step_after_password(request, wanted))
    return _ask_code(request, "accounts/factor.html", wanted, first=True)


@requires("account")
@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest) -> HttpResponseBase:
    """The factor again, before something that changes the account itself."""
    wanted = safe_next(request.POST.get("next") or request.GET.get("next"), "/account")
    return _ask_code(request, "accounts/confirm.html", wanted, first=False)


@password_only
@require_POST
def logout(request: HttpRequest) -> HttpResponseBase:
    """End the session here and on the server, and have the browser forget what it kept of the pages."""
    actor = actor_of(request)
    end_session(request)
    note(request, "user.signed_out", object_type="user", object_id=actor.name, actor=actor.audit_name)
    response = redirect("/login")
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _ask_code(request: HttpRequest, template: str, wanted: str, *, first: bool) -> HttpResponseBase:
    form = FactorForm(request.POST if request.method == "POST" else None)
    user = person(request)
    if not form.is_valid():
        return render(request, template, _factor_context(form, user, wanted))
    guard = guard_for(request, "factor", user.get_username())
    if seconds := guard.seconds_to_wait():
        return _wait(request, form, template, wanted, seconds)
    device = accept_factor(user, form.cleaned_data["code"])
    if device is None:
        log.warning("factor refused", extra={"username": user.get_username(), "address": client_address(request)})
        form.add_error("code", WRONG_CODE)
        return render(request, template, _factor_context(form, user, wanted), status=401)
    guard.forgive()
    verify_session(request, device)
    if first:
        _note_sign_in(request, user, device)
    response = redirect(wanted)
    remember_browser(response, user)
    return response


def _note_sign_in(request: HttpRequest, user: User, device: TotpDevice | RecoveryDevice) -> None:
    detail = {"factor": "authenticator" if isinstance(device, TotpDevice) else "recovery code"}
    actor = actor_of_user(user, verified=True).audit_name
    note(request, "user.signed_in", object_type="user", object_id=user.get_username(), detail=detail, actor=actor)
    if isinstance(device, RecoveryDevice):
        messages.warning(
            request, f"You signed in with a recovery code; {device.codes_left} are left. Make new ones in your account."
        )


def _factor_context(form: FactorForm, user: User, wanted: str) -> dict[str, object]:
    return {"form": form, "next": wanted, "username": user.get_username(), "state": FactorState.of(user)}


def _wait(
    request: HttpRequest, form: LoginForm | FactorForm, template: str, wanted: str, seconds: int, status: int = 429
) -> HttpResponse:
    """Not now. The answer is the same whether the name exists or not."""
    form.add_error(None, f"Too many tries. The next one is possible in {seconds} s.")
    context = {"form": form, "next": wanted, "username": request.user.get_username()}
    response = render(request, template, context, status=status)
    response["Retry-After"] = str(seconds)
    return response


def _step_after_password(request: HttpRequest, wanted: str) -> str:
    if actor_of(request).verified:
        return wanted
    return with_next("/login/factor" if user_has_device(request.user) else "/account/enrol", wanted)
