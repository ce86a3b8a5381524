"""First steps of a person: the set-up link or invitation, the second factor, the recovery codes."""

from urllib.parse import quote

import segno
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from django_otp import user_has_device

from dashboard.accounts import totp
from dashboard.accounts.actor import actor_of, actor_of_user
from dashboard.accounts.declarations import password_only, public, requires
from dashboard.accounts.factors import (
    EnrolmentRefused,
    Offer,
    enrol_authenticator,
    new_recovery_codes,
    offer_authenticator,
    offered_again,
    recovery_codes_were_stored,
)
from dashboard.accounts.forms import EnrolForm, NewPasswordForm, SetupForm
from dashboard.accounts.known_browser import remember_browser
from dashboard.accounts.models import OneTimeLink, User
from dashboard.accounts.next_url import safe_next, with_next
from dashboard.accounts.person import ask_for_factor, fresh_factor, person
from dashboard.accounts.sessions import end_sessions, factor_is_fresh, start_session, verify_session
from dashboard.accounts.setup import (
    LinkUnusable,
    NameTaken,
    accept_invitation,
    create_first_administrator,
    usable_link,
)
from dashboard.accounts.trail import note


@public
@sensitive_post_parameters("new_password", "repeated")
@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest, secret: str) -> HttpResponseBase:
    """The first administrator chooses a name and a password. Only the sent form uses the link up."""
    try:
        link = usable_link(secret, OneTimeLink.Purpose.SETUP)
        form = SetupForm(request.POST or None, user=User())
        if not form.is_valid():
            return render(request, "accounts/setup.html", {"form": form})
        user = create_first_administrator(link, form.cleaned_data["username"], form.cleaned_data["new_password"])
    except LinkUnusable as error:
        return _unusable(request, error, "belvedere setup-link")
    except NameTaken as error:
        form.add_error("username", str(error))
        return render(request, "accounts/setup.html", {"form": form})
    start_session(request, user)
    return redirect("/account/enrol")


@public
@sensitive_post_parameters("new_password", "repeated")
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponseBase:
    """An invited person sets a password. A second factor that exists is still asked for."""
    try:
        link = usable_link(secret, OneTimeLink.Purpose.INVITATION)
        form = NewPasswordForm(request.POST or None, user=link.user or User())
        if not form.is_valid():
            return render(request, "accounts/invitation.html", {"form": form, "invited": link.user})
        user = accept_invitation(link, form.cleaned_data["new_password"])
    except LinkUnusable as error:
        return _unusable(request, error, "")
    if not user.is_active:
        return redirect("/login")
    start_session(request, user)
    return redirect("/login/factor" if user_has_device(user) else "/account/enrol")


@password_only
@require_http_methods(["GET", "POST"])
def enrol(request: HttpRequest) -> HttpResponseBase:
    """Enrol an authenticator: the first by password alone, another only with a fresh factor."""
    user, wanted = person(request), safe_next(request.POST.get("next") or request.GET.get("next"))
    has_device = user_has_device(user)
    if has_device and not actor_of(request).verified:
        return redirect(with_next("/login/factor", wanted))
    if has_device and not factor_is_fresh(request):
        return ask_for_factor(request, "/account/enrol")
    form = EnrolForm(request.POST if request.method == "POST" else None)
    offer = offer_authenticator(user)
    if form.is_valid():
        try:
            offer = offered_again(user, form.cleaned_data["offer"])
            return _enrolled(request, user, offer, _digits(form.cleaned_data["code"]), wanted, replace=has_device)
        except EnrolmentRefused as error:
            form.add_error("code", str(error))
    return render(request, "accounts/enrol.html", _enrol_context(form, user, offer, wanted, replace=has_device))


@requires("account")
@require_POST
@fresh_factor("/account")
def recovery_codes(request: HttpRequest) -> HttpResponseBase:
    """New recovery codes in place of the old ones, shown once."""
    user = person(request)
    codes = new_recovery_codes(user)
    note(request, "user.recovery_codes_made", object_type="user", object_id=user.get_username())
    return _shown_codes(request, user, codes, "/account")


@requires("account")
@require_POST
def recovery_codes_stored(request: HttpRequest) -> HttpResponseBase:
    """The person says that the codes are in a safe place."""
    if request.POST.get("stored"):
        recovery_codes_were_stored(person(request))
    return redirect(safe_next(request.POST.get("next")))


def _enrolled(
    request: HttpRequest, user: User, offer: Offer, code: str, wanted: str, *, replace: bool
) -> HttpResponseBase:
    """A first authenticator comes with recovery codes; a new one ends the other sessions."""
    device = enrol_authenticator(user, offer, code, replace=replace)
    verify_session(request, device)
    end_sessions(user, keep=request)
    actor = actor_of_user(user, verified=True).audit_name
    action = "user.factor_replaced" if replace else "user.factor_enrolled"
    note(request, action, object_type="user", object_id=user.get_username(), actor=actor)
    if replace:
        return redirect("/account")
    # the gate judged this request before the factor was there
    request.actor = actor_of_user(user, verified=True)  # type: ignore[attr-defined]
    response = _shown_codes(request, user, new_recovery_codes(user), wanted)
    remember_browser(response, user)
    return response


def _shown_codes(request: HttpRequest, user: User, codes: list[str], wanted: str) -> HttpResponse:
    title = f"Recovery codes of {user.get_username()} for Belvedere at {request.get_host()}"
    text = "\n".join([title, "Each works once, in place of a code of the authenticator.", "", *codes, ""])
    context = {"codes": codes, "next": wanted, "download": f"data:text/plain;charset=utf-8,{quote(text)}"}
    return render(request, "accounts/recovery_codes.html", context)


def _enrol_context(form: EnrolForm, user: User, offer: Offer, wanted: str, *, replace: bool) -> dict[str, object]:
    uri = totp.provisioning_uri(offer.key, user.get_username())
    key = totp.base32_key(offer.key)
    return {
        "form": form,
        "next": wanted,
        "offer": offer.sealed,
        "picture": segno.make_qr(uri, error="m").svg_data_uri(scale=4, border=3, dark="#000", light="#fff"),
        "key": " ".join(key[start : start + 4] for start in range(0, len(key), 4)),
        "uri": uri,
        "replace": replace,
    }


def _digits(code: str) -> str:
    return "".join(code.split())


def _unusable(request: HttpRequest, error: LinkUnusable, command: str) -> HttpResponse:
    return render(request, "accounts/link_unusable.html", {"sentence": str(error), "command": command}, status=410)
