"""Remembers in a signed cookie that a browser has signed in to an account before.

It opens nothing. It only sets the browser apart from the network around it when failed tries are counted, so that
someone who guesses from the same office cannot keep the owner out.
"""

import secrets
from typing import Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from dashboard.accounts.client_address import client_address, network_of
from dashboard.accounts.models import User
from dashboard.accounts.throttle import Guard

_SALT: Final = "accounts.known-browser"
_MAX_AGE_SECONDS: Final = 90 * 86400


def guard_for(request: HttpRequest, subject: str, username: str) -> Guard:
    """The guard of tries on `username`, for this browser if the account knows it, else for its network."""
    known = _read(request)
    if known and known[0] == username.casefold():
        return Guard(subject, username, f"browser {known[1]}", known=True)
    return Guard(subject, username, network_of(client_address(request)))


def remember_browser(response: HttpResponseBase, user: User) -> None:
    """Called after a complete sign-in."""
    word = signing.dumps([user.get_username().casefold(), secrets.token_hex(8)], salt=_SALT)
    response.set_cookie(
        _cookie_name(),
        word,
        max_age=_MAX_AGE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def _read(request: HttpRequest) -> tuple[str, str] | None:
    try:
        username, word = signing.loads(request.COOKIES.get(_cookie_name(), ""), salt=_SALT, max_age=_MAX_AGE_SECONDS)
    except (signing.BadSignature, ValueError):
        return None
    return username, word


def _cookie_name() -> str:
    return "__Host-belvedere-known" if settings.TLS else "belvedere-known"
