"""`/settings/tokens`: credentials of machines."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.accounts.actor import actor_of
from dashboard.accounts.declarations import requires
from dashboard.accounts.token_forms import TokenForm
from fleet.models import ApiToken
from fleet.tokens import create_token, revoke_token

UNUSED: Final = timedelta(days=30)
SOON: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token of the list, with the badge that says how it stands."""

    token: ApiToken
    badge: str
    words: str


def token_row(token: ApiToken, now: datetime) -> TokenRow:
    """A token is revoked, expired, about to expire, unused for 30 days, or active."""
    if token.revoked_at:
        return TokenRow(token, "none", "revoked")
    if token.expires_at and token.expires_at <= now:
        return TokenRow(token, "none", "expired")
    if token.expires_at and token.expires_at - now < SOON:
        return TokenRow(token, "warn", "expires soon")
    if now - (token.last_used_at or token.created_at) > UNUSED:
        return TokenRow(token, "warn", "unused for 30 days")
    return TokenRow(token, "ok", "active")


@requires("manage:tokens")
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponseBase:
    """List the tokens; a sent form makes one and shows its text, this once."""
    actor = actor_of(request)
    form = TokenForm(request.POST if request.method == "POST" else None, actor=actor)
    if not form.is_valid():
        return render(request, "accounts/tokens.html", _context(form))
    token, text = create_token(
        name=form.cleaned_data["name"],
        scopes=form.cleaned_data["scopes"],
        actor=actor.audit_name,
        service=form.cleaned_data["service"],
        expires_at=form.expires_at(),
    )
    fresh = TokenForm(actor=actor)
    return render(request, "accounts/tokens.html", {**_context(fresh), "created": token, "text": text})


@requires("manage:tokens")
@require_POST
def revoke(request: HttpRequest, token_id: int) -> HttpResponseBase:
    """End a token. Revoking twice changes nothing."""
    token = get_object_or_404(ApiToken, pk=token_id)
    if token.revoked_at is None:
        revoke_token(token=token, actor=actor_of(request).audit_name)
        messages.success(request, f"{token.name} is revoked.")
    return redirect("/settings/tokens")


def _context(form: TokenForm) -> dict[str, object]:
    now = timezone.now()
    rows = [token_row(token, now) for token in ApiToken.objects.select_related("service")]
    rows.sort(key=lambda row: row.token.revoked_at is not None)
    return {"page_title": "API tokens", "form": form, "rows": rows}
