"""Commands for tokens, the set-up link and lost factors."""

import io

import pytest
from django.core.management import CommandError, call_command

from dashboard.accounts.models import TotpDevice, UserSession
from fleet.models import ApiToken, AuditEvent, Service
from fleet.tokens import authenticate
from tests.dashboard.people import client_of, make_enrolled

pytestmark = pytest.mark.django_db


def output(*words: str) -> str:
    stream = io.StringIO()
    call_command(*words, stdout=stream)
    return stream.getvalue()


def test_create_prints_the_token_alone() -> None:
    text = output("token", "create", "--name", "ci", "--scopes", "ingest:metrics, query")
    assert text.count("\n") == 1
    principal = authenticate(f"Bearer {text.strip()}")
    assert principal is not None
    assert principal.scopes == {"ingest:metrics", "query"}


def test_a_token_may_be_bound_and_expire() -> None:
    output("token", "create", "--name", "ci", "--scopes", "query", "--service", "checkout", "--days", "7")
    token = ApiToken.objects.get()
    assert token.service == Service.objects.get(name="checkout")
    assert (token.expires_at - token.created_at).days in (6, 7)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--scopes", "everything"), "unknown scope 'everything'"),
        (("--scopes", ","), "at least one scope"),
        (("--scopes", "query", "--days", "0"), "'0' is not a number of days"),
        (("--scopes", "query", "--days", "-3"), "expected one argument|not a number of days"),
    ],
)
def test_mistakes_are_named(words: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        output("token", "create", "--name", "ci", *words)
    assert not ApiToken.objects.exists()


def test_list_shows_state_and_no_secret() -> None:
    text = output("token", "create", "--name", "ci", "--scopes", "query").strip()
    output("token", "revoke", "ci")
    listed = output("token", "list")
    assert "revoked" in listed
    assert text.rpartition("_")[2] not in listed


@pytest.mark.parametrize("word", ["name", "id", "token"])
def test_revoke_takes_a_name_an_id_or_the_token(word: str) -> None:
    text = output("token", "create", "--name", "ci", "--scopes", "query").strip()
    output("token", "revoke", {"name": "ci", "id": ApiToken.objects.get().public_id, "token": text}[word])
    assert authenticate(f"Bearer {text}") is None


def test_revoke_refuses_what_is_unknown_or_ambiguous() -> None:
    with pytest.raises(CommandError, match="no live token"):
        output("token", "revoke", "ci")
    for _ in range(2):
        output("token", "create", "--name", "ci", "--scopes", "query")
    with pytest.raises(CommandError, match="2 tokens are called 'ci'"):
        output("token", "revoke", "ci")


def test_the_set_up_link_comes_again_until_there_is_an_administrator() -> None:
    assert "/setup/" in output("setup-link")
    make_enrolled()
    with pytest.raises(CommandError, match="already"):
        output("setup-link")


def test_resetting_factors_ends_sessions_and_leaves_a_trace() -> None:
    client_of(make_enrolled())
    text = output("reset-factors", "admin", "--password-link")
    assert "/invite/" in text
    assert not TotpDevice.objects.exists()
    assert not UserSession.objects.exists()
    assert AuditEvent.objects.filter(action="user.factors_reset", object_id="admin").exists()
    with pytest.raises(CommandError, match="no user called 'nobody'"):
        output("reset-factors", "nobody")
