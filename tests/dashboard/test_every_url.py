"""A walk over every address: who is let in, and what every answer carries."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve

from dashboard.accounts.models import User
from dashboard.accounts.roles import ROLES
from dashboard.accounts.url_inventory import Address, addresses, undeclared
from fleet.tokens import SCOPES, create_token
from tests.dashboard.people import PASSWORD, TestPerson, client_of, client_with_role, make_enrolled

pytestmark = pytest.mark.django_db

PUBLIC = {"login", "ready", "setup/<str:secret>", "invite/<str:secret>"}
"""The only addresses that answer anyone. Whoever adds one says so here."""

BEFORE_THE_FACTOR = {"login/factor", "logout", "account/enrol"}
"""The only further addresses that answer a password."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
ELSEWHERE = "203.0.113.9"
"""Not this machine, which some addresses are open to."""

SAMPLES = {"app_label": "fleet", "content_type_id": "1", "object_id": "1", "url": "nothing/here/"}


def example(address: Address) -> str:
    """A path that the pattern matches."""
    filled = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: SAMPLES.get(match[1], "1"), _without_groups(address.route))
    path = "/" + filled.replace("^", "").replace("$", "").replace(r"\Z", "")
    resolve(path)
    return path


def _without_groups(route: str) -> str:
    """`(?P<name>...)` of regular expressions written like the arguments of routes."""
    return re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", route)


EVERY = {example(address): address for address in addresses()}
GUARDED = {path: address for path, address in EVERY.items() if address.route not in PUBLIC}
BEHIND_THE_FACTOR = {path: address for path, address in GUARDED.items() if address.route not in BEFORE_THE_FACTOR}


def let_in(client: Client, path: str, method: str, next_step: str) -> bool:
    """Whether the view was reached: the answer is neither a refusal nor the way to `next_step`."""
    response = client.generic(method, path, REMOTE_ADDR=ELSEWHERE)
    if response.status_code in (401, 403):
        return False
    return not (response.status_code == 302 and response.headers["Location"].partition("?")[0] == next_step)


def everyone_let_in(client: Client, paths: dict[str, Address], next_step: str) -> list[tuple[str, str]]:
    client.raise_request_exception = False
    return [(method, path) for path in paths for method in METHODS if let_in(client, path, method, next_step)]


def test_the_walk_covers_pages_the_administration_site_and_the_apis() -> None:
    assert {"/", "/login", "/account", "/settings/users", "/admin/", "/api/services", "/api/openapi.json"} <= set(EVERY)
    assert len([path for path in EVERY if path.startswith("/admin/")]) > 40


def test_every_view_declares_who_may_call_it() -> None:
    assert not undeclared()


def test_exactly_the_listed_addresses_are_public() -> None:
    levels = {
        address.route: {declaration.level for method in METHODS for declaration in address.declarations(method)}
        for address in EVERY.values()
    }
    assert {route for route, found in levels.items() if "public" in found} == PUBLIC
    assert {route for route, found in levels.items() if "password" in found} == BEFORE_THE_FACTOR


def test_nothing_answers_a_stranger() -> None:
    assert everyone_let_in(Client(), GUARDED, "/login") == []


def test_nothing_answers_a_password_alone() -> None:
    client = client_of(make_enrolled(), verified=False)
    assert everyone_let_in(client, BEHIND_THE_FACTOR, "/login/factor") == []


def test_nothing_answers_a_superuser_of_the_shell_without_a_factor() -> None:
    user = User.objects.create_superuser("shell", password=PASSWORD)
    client = client_of(TestPerson(user), verified=False)
    assert everyone_let_in(client, BEHIND_THE_FACTOR, "/account/enrol") == []


def test_no_page_answers_a_token() -> None:
    _, text = create_token(name="all", scopes=SCOPES, actor="system")
    client = Client(headers={"authorization": f"Bearer {text}"})
    pages = {path: address for path, address in GUARDED.items() if not takes_tokens(address)}
    assert {"/", "/account", "/settings/users", "/admin/"} <= set(pages)
    assert everyone_let_in(client, pages, "/login") == []


def takes_tokens(address: Address) -> bool:
    return any(declaration.takes_tokens for method in METHODS for declaration in address.declarations(method))


@pytest.mark.parametrize(
    "mutate", ["/{}", "/.{}", "/%2e{}", "{};x", "{}%2f", "{}/", "{}%00", "/static/..{}", "{}?x=/static/"]
)
def test_no_other_spelling_of_an_address_gets_past_the_gate(mutate: str) -> None:
    client = Client(raise_request_exception=False)
    for path in set(BEHIND_THE_FACTOR) - {"/-/ready"}:  # "//-/ready" is the public "/ready" of a host called "-"
        response = client.get(mutate.format(path), REMOTE_ADDR=ELSEWHERE, follow=False)
        assert response.status_code in (301, 302, 400, 401, 403, 404), (path, response.status_code)
        if response.status_code in (301, 302):
            assert response.headers["Location"].startswith(("/", "http://testserver/")), path


@pytest.mark.parametrize("role", ROLES)
def test_each_role_reaches_what_the_table_gives_it_and_no_more(store: object, role: str) -> None:
    client = client_with_role(role)
    client.raise_request_exception = False
    for path, address in BEHIND_THE_FACTOR.items():
        wanted = {declaration.permission for declaration in address.declarations("GET")}
        refused = client.get(path, REMOTE_ADDR=ELSEWHERE).status_code == 403
        if not wanted <= ROLES[role]:
            assert refused, path
        elif not path.startswith("/admin/"):  # which has further rules: most of it cannot be changed by anyone
            assert not refused, path


def test_every_change_by_a_session_needs_a_csrf_token() -> None:
    client = client_of(make_enrolled(), enforce_csrf_checks=True, raise_request_exception=False)
    statuses = {
        (method, path): client.generic(method, path, REMOTE_ADDR=ELSEWHERE).status_code
        for path in EVERY
        for method in CHANGING
    }
    assert {address: status for address, status in statuses.items() if status != 403} == {}


def test_reading_changes_no_row(store: object) -> None:
    client = client_with_role("administrator")
    client.raise_request_exception = False
    for path in EVERY:
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        writes = [query["sql"] for query in queries if re.match(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b", query["sql"])]
        assert writes == [], path


def test_every_page_carries_the_headers_and_is_not_kept(store: object) -> None:
    client = client_with_role("administrator")
    client.raise_request_exception = False
    pages = 0
    for path in EVERY:
        response = client.get(path)
        assert response.headers["X-Content-Type-Options"] == "nosniff", path
        assert "script-src 'self'" in response.headers["Content-Security-Policy"], path
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin", path
        if response.headers.get("Content-Type", "").startswith("text/"):
            assert "charset=" in response.headers["Content-Type"], path
        if response.headers.get("Content-Type", "").startswith("text/html") and response.status_code == 200:
            pages += 1
            assert response.headers["Cache-Control"] == "no-store", path
            assert "Cookie" in response.headers["Vary"], path
    assert pages > 20


def test_no_page_has_script_or_style_inside(store: object) -> None:
    client = client_with_role("administrator")
    client.raise_request_exception = False
    for path in (path for path in EVERY if not path.startswith("/admin/")):
        response = client.get(path)
        if not response.headers.get("Content-Type", "").startswith("text/html") or response.streaming:
            continue
        page = response.content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=\"|javascript:", page), path
        for script in re.findall(r"<script\b[^>]*>", page):
            assert "src=" in script or 'type="application/json"' in script, path


def test_no_page_answers_with_a_fault(store: object) -> None:
    client = client_with_role("administrator")
    client.raise_request_exception = False
    faults = {path: status for path in EVERY if (status := client.get(path).status_code) >= 500}
    assert faults == {}
