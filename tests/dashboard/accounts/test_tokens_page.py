"""The page of API tokens."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.accounts.views.tokens import token_row
from fleet.models import ApiToken, Service
from fleet.tokens import authenticate, create_token
from tests.dashboard.people import client_with_role

pytestmark = pytest.mark.django_db

FORM = {"name": "ci", "scopes": ["ingest:metrics", "query"], "expires": "90"}


def shown_token(page: str) -> str:
    found = re.search(r'id="token-text">(bv_\w{8}_\w+)<', page)
    assert found
    return found[1]


def test_a_token_is_shown_once_with_commands_that_carry_it() -> None:
    client = client_with_role("operator")
    page = client.post("/settings/tokens", FORM).content.decode()
    text = shown_token(page)
    assert page.count(text) > 2
    principal = authenticate(f"Bearer {text}")
    assert principal is not None
    assert principal.scopes == {"ingest:metrics", "query"}
    assert text not in client.get("/settings/tokens").content.decode()
    token = ApiToken.objects.get()
    assert token.created_by == "user:operator-user"
    assert 89 <= (token.expires_at - timezone.now()).days <= 90


def test_a_token_may_be_bound_and_never_expire() -> None:
    service = Service.objects.create(name="checkout")
    client_with_role("operator").post("/settings/tokens", {**FORM, "expires": "", "service": service.pk})
    token = ApiToken.objects.get()
    assert (token.service, token.expires_at) == (service, None)


@pytest.mark.parametrize(
    "change", [{"name": ""}, {"scopes": []}, {"scopes": ["root"]}, {"expires": "1000000"}, {"service": 999}]
)
def test_mistakes_make_no_token(change: dict[str, object]) -> None:
    assert client_with_role("operator").post("/settings/tokens", {**FORM, **change}).status_code == 200
    assert not ApiToken.objects.exists()


def test_nobody_hands_out_more_than_they_may() -> None:
    operator, administrator = client_with_role("operator"), client_with_role("administrator")
    operator.post("/settings/tokens", {**FORM, "scopes": ["admin"]})
    assert not ApiToken.objects.exists()
    administrator.post("/settings/tokens", {**FORM, "scopes": ["admin"]})
    assert ApiToken.objects.get().scopes == ["admin"]


@pytest.mark.parametrize("role", ["security_reviewer", "cost_viewer"])
def test_reviewers_and_viewers_make_no_tokens(role: str) -> None:
    assert client_with_role(role).post("/settings/tokens", FORM).status_code == 403


def test_a_revoked_token_is_refused_at_once() -> None:
    token, text = create_token(name="ci", scopes=["query"], actor="system")
    headers = {"authorization": f"Bearer {text}"}
    assert Client().get("/api/services", headers=headers).status_code == 200
    client_with_role("operator").post(f"/settings/tokens/{token.pk}/revoke")
    assert Client().get("/api/services", headers=headers).status_code == 401


def test_revoking_twice_writes_one_event() -> None:
    from fleet.models import AuditEvent

    token, _ = create_token(name="ci", scopes=["query"], actor="system")
    client = client_with_role("operator")
    for _ in range(2):
        assert client.post(f"/settings/tokens/{token.pk}/revoke").status_code == 302
    assert AuditEvent.objects.filter(action="token.revoked").count() == 1


@pytest.mark.parametrize(
    ("days_old", "days_used", "days_left", "words"),
    [
        (1, None, None, "active"),
        (31, None, None, "unused for 30 days"),
        (100, 31, None, "unused for 30 days"),
        (100, 1, None, "active"),
        (100, 1, 3, "expires soon"),
        (100, 1, -1, "expired"),
    ],
)
def test_the_badge_warns_of_what_is_old(
    days_old: int, days_used: int | None, days_left: int | None, words: str
) -> None:
    now = timezone.now()
    token = ApiToken(
        created_at=now - timedelta(days=days_old),
        last_used_at=None if days_used is None else now - timedelta(days=days_used),
        expires_at=None if days_left is None else now + timedelta(days=days_left),
    )
    assert token_row(token, now).words == words


def test_listing_tokens_costs_the_same_however_many(django_assert_max_num_queries) -> None:
    client = client_with_role("operator")
    for number in range(20):
        create_token(
            name=f"t{number}", scopes=["query"], actor="system", service=Service.objects.create(name=f"s{number}")
        )
    with django_assert_max_num_queries(12):
        client.get("/settings/tokens")
