"""The one door: every view behind it says who may call it, and a view that says nothing is refused."""

import logging
from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject
from django_otp import user_has_device

from dashboard.accounts.actor import (
    ANONYMOUS,
    Actor,
    ActorRequest,
    actor_of,
    actor_of_principal,
    actor_of_user,
)
from dashboard.accounts.client_address import client_address, is_loopback
from dashboard.accounts.declarations import (
    Declaration,
    declaration_of,
    password_only,
    permission_declaration,
    public,
    requires,
)
from dashboard.accounts.ninja_auth import ninja_declarations
from dashboard.accounts.refusals import csrf_failure, forbidden, unauthenticated
from dashboard.accounts.sessions import current_session
from dashboard.accounts.trail import request_id
from fleet.actions.audit import origin
from fleet.tokens import authenticate

__all__ = [
    "Actor",
    "ActorRequest",
    "GateMiddleware",
    "actor_of",
    "declarations_of",
    "password_only",
    "permission_declaration",
    "public",
    "requires",
]

LOGIN: Final = "/login"
FACTOR: Final = "/login/factor"
ENROL: Final = "/account/enrol"

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

log = logging.getLogger(__name__)


class GateMiddleware:
    """Sets `request.actor`, lets a request through to its view or answers it here.

    Stands after the session, CSRF, authentication and OTP middleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.csrf = _SessionCsrf(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Lazy: a page that needs no actor, such as /healthz, costs no query.
        request.actor = SimpleLazyObject(lambda: session_actor(request))  # type: ignore[attr-defined]
        with origin(client_address(request), request_id(request)):
            response = self.get_response(request)
        _forbid_caching(response)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """None lets the request through; a response ends it."""
        declarations = declarations_of(view, request.method or "")
        if not declarations:
            log.error("view refused, it declares nothing", extra={"view": getattr(view, "__qualname__", str(view))})
            return forbidden(request, "This page declares nobody who may open it.")
        if cross_site(request):
            return forbidden(request, "Requests that change something are not accepted from other sites.")
        for declaration in declarations:
            if (refusal := self._refusal(request, declaration)) is not None:
                return refusal
        return None

    def _refusal(self, request: HttpRequest, declaration: Declaration) -> HttpResponseBase | None:
        if declaration.level == "public" or (declaration.open_on_loopback and is_loopback(request)):
            return None
        if declaration.takes_tokens and "Authorization" in request.headers:
            return _token_refusal(request, declaration)
        return _session_refusal(request, declaration) or self.csrf.refusal(request)


def declarations_of(view: Callable[..., Any], method: str) -> list[Declaration]:
    """All declarations that a request with `method` must meet; empty when the view declares nothing."""
    own = declaration_of(view)
    return [own] if own else ninja_declarations(view, method)


def session_actor(request: HttpRequest) -> Actor:
    """The person behind the session cookie, or nobody. A session that has ended is emptied."""
    user = request.user
    if not user.is_authenticated:
        return ANONYMOUS
    session = current_session(request)
    if session is None:
        logout(request)
        return ANONYMOUS
    verified = session.factor_at is not None and user.is_verified()  # type: ignore[attr-defined]
    return actor_of_user(user, verified=verified)


def cross_site(request: HttpRequest) -> bool:
    """A browser says that another site made it send this changing request."""
    return request.method not in _SAFE_METHODS and request.headers.get("Sec-Fetch-Site") == "cross-site"


def _token_refusal(request: HttpRequest, declaration: Declaration) -> HttpResponse | None:
    """A request with an Authorization header is the token's alone: the session is not looked at."""
    principal = authenticate(request.headers["Authorization"])
    if principal is None:
        request.actor = ANONYMOUS  # type: ignore[attr-defined]
        return unauthenticated(request, LOGIN, "The token is unknown, expired or revoked.")
    actor = actor_of_principal(principal)
    request.actor = actor  # type: ignore[attr-defined]
    if not actor.can(declaration.permission):
        return forbidden(request, f"The token {actor.name!r} lacks the scope for {declaration.permission!r}.")
    return None


def _session_refusal(request: HttpRequest, declaration: Declaration) -> HttpResponse | None:
    actor = actor_of(request)
    if actor.kind == "anonymous":
        return unauthenticated(request, LOGIN, "Sign in, or send an API token as `Authorization: Bearer`.")
    if declaration.level == "password":
        return None
    if not actor.verified:
        return unauthenticated(request, _next_step(request), "The second factor is missing.")
    if not actor.can(declaration.permission):
        return forbidden(request, f"The role {actor.role!r} does not include {declaration.permission!r}.")
    return None


def _next_step(request: HttpRequest) -> str:
    """Where a person without a verified factor goes on: to give one, or to enrol one."""
    return FACTOR if user_has_device(request.user) else ENROL


class _SessionCsrf(CsrfViewMiddleware):
    """Django's CSRF check for requests that carry a session, also on views that are exempt for tokens."""

    def refusal(self, request: HttpRequest) -> HttpResponseBase | None:
        response: HttpResponseBase | None = self.process_view(request, _not_exempt, (), {})
        return response

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        return csrf_failure(request, reason)


def _not_exempt(request: HttpRequest) -> HttpResponse:
    """Stands for the view in the CSRF check, so that its exemption does not count. It is never called."""
    raise AssertionError


def _forbid_caching(response: HttpResponseBase) -> None:
    """Nothing behind the gate is kept by browsers or proxies, unless a view that is not HTML says otherwise."""
    if response.get("Content-Type", "").startswith("text/html") or not response.has_header("Cache-Control"):
        response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ("Cookie", "HX-Request"))
