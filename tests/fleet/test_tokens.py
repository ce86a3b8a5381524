"""API tokens are shown once, stored as a hash, and stop working when they should."""

import base64
from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.models import ApiToken, AuditEvent, Service
from fleet.tokens import UnknownScope, authenticate, create_token, forget_cached_tokens, revoke_token

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    forget_cached_tokens()


def make(scopes: tuple[str, ...] = ("query",), **kwargs: object) -> tuple[ApiToken, str]:
    return create_token(name="ci", scopes=scopes, actor="user:ada", **kwargs)


def test_a_bearer_token_speaks_for_its_scopes() -> None:
    _, text = make(("ingest:logs", "query"))
    principal = authenticate(f"Bearer {text}")
    assert principal is not None
    assert principal.scopes == {"ingest:logs", "query"}
    assert principal.actor == "token:ci"


def test_basic_authentication_takes_the_token_as_password() -> None:
    _, text = make()
    encoded = base64.b64encode(f"anyone:{text}".encode()).decode()
    assert authenticate(f"Basic {encoded}") is not None


def test_the_secret_is_nowhere_in_the_database() -> None:
    token, text = make()
    row = ApiToken.objects.values().get(pk=token.pk)
    trail = list(AuditEvent.objects.values())
    assert text not in repr(row)
    assert text.split("_")[2] not in repr(trail)


def test_a_token_bound_to_a_service_names_it() -> None:
    _, text = make(service=Service.objects.create(name="checkout"))
    principal = authenticate(f"Bearer {text}")
    assert principal is not None
    assert principal.service == "checkout"


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer nonsense", "Bearer bv_short", "Basic !!!", "Digest x", "Bearer bv_aaaaaaaa_b"],
)
def test_anything_else_speaks_for_nobody(header: str | None) -> None:
    make()
    assert authenticate(header) is None


def test_a_changed_secret_speaks_for_nobody() -> None:
    _, text = make()
    assert authenticate(f"Bearer {text[:-1]}{'x' if text[-1] != 'x' else 'y'}") is None


def test_a_revoked_token_stops_at_once() -> None:
    token, text = make()
    assert authenticate(f"Bearer {text}") is not None
    revoke_token(token=token, actor="user:ada")
    assert authenticate(f"Bearer {text}") is None


def test_an_expired_token_is_refused() -> None:
    _, text = make(expires_at=timezone.now() - timedelta(seconds=1))
    assert authenticate(f"Bearer {text}") is None


def test_an_unknown_scope_is_named() -> None:
    with pytest.raises(UnknownScope, match="'ingest:everything'"):
        make(("ingest:everything",))


def test_a_token_without_scopes_is_refused() -> None:
    with pytest.raises(UnknownScope, match="at least one"):
        make(())


def test_use_is_noted() -> None:
    token, text = make()
    authenticate(f"Bearer {text}")
    token.refresh_from_db()
    assert token.last_used_at is not None
