"""The gate: deny by default, tokens on APIs only, CSRF wherever a session acts."""

import functools
import sys
from types import ModuleType

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import path
from django.views import View
from ninja import NinjaAPI

from dashboard.accounts.actor import actor_of
from dashboard.accounts.checks import every_view_declares
from dashboard.accounts.gate import password_only, public, requires
from dashboard.accounts.ninja_auth import Requires
from dashboard.accounts.roles import PERMISSIONS, ROLES, TOKEN_SCOPES
from fleet.actions.audit import record
from fleet.models import AuditEvent
from fleet.tokens import SCOPES, create_token, revoke_token
from tests.dashboard.people import client_of, client_with_role, make_enrolled, make_person

pytestmark = pytest.mark.django_db


def who(request: HttpRequest) -> HttpResponse:
    return HttpResponse(actor_of(request).audit_name)


def undeclared(request: HttpRequest) -> HttpResponse:
    return HttpResponse("in")


@requires("view:fleet")
class ClassPage(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return who(request)

    post = get


class Inherited(ClassPage):
    pass


class Bound:
    def method(self, request: HttpRequest) -> HttpResponse:
        return who(request)


page = requires("view:fleet")(functools.partial(who))
api_view = requires("query")(functools.partial(who))

api = NinjaAPI(auth=Requires("query"), urls_namespace="gate-test", docs_url=None)


@api.get("/things")
def list_things(request: HttpRequest) -> str:
    return actor_of(request).audit_name


@api.post("/things", auth=Requires("manage:targets"))
def add_thing(request: HttpRequest) -> str:
    return actor_of(request).audit_name


open_api = NinjaAPI(urls_namespace="open-test", docs_url=None, openapi_url=None)


@open_api.get("/things")
def list_openly(request: HttpRequest) -> str:
    return "in"


URLS = ModuleType("tests_gate_urls")
URLS.urlpatterns = [
    path("undeclared", undeclared),
    path("public", public(functools.partial(who))),
    path("half", password_only(functools.partial(who))),
    path("page", page),
    path("class", ClassPage.as_view()),
    path("inherited", Inherited.as_view()),
    path("bound", requires("view:fleet")(Bound().method)),
    path("api/things", api_view),
    path("local", requires("query", open_on_loopback=True)(functools.partial(who))),
    path("api/ninja/", api.urls),
    path("api/open/", open_api.urls),
]
sys.modules[URLS.__name__] = URLS


@pytest.fixture(autouse=True)
def _urls(settings) -> None:
    settings.ROOT_URLCONF = URLS.__name__


def bearer(*scopes: str) -> dict[str, str]:
    _, text = create_token(name="machine", scopes=scopes, actor="system")
    return {"authorization": f"Bearer {text}"}


@pytest.fixture
def operator() -> Client:
    return client_with_role("operator")


def test_a_view_that_declares_nothing_is_refused(client: Client, operator: Client) -> None:
    for each in (client, operator, client_with_role("administrator")):
        assert each.get("/undeclared").status_code == 403
        assert each.get("/api/open/things").status_code == 403


def test_a_view_that_declares_nothing_is_an_error_of_the_check() -> None:
    messages = [error.msg for error in every_view_declares(None)]
    assert len(messages) == 2
    assert any("/undeclared" in message for message in messages)
    assert any("/api/open/things" in message for message in messages)


def test_public_views_need_nobody(client: Client) -> None:
    assert client.get("/public").content == b"anonymous"


@pytest.mark.parametrize("address", ["/page", "/class", "/inherited", "/bound"])
def test_a_page_is_for_its_roles(client: Client, operator: Client, address: str) -> None:
    assert client.get(address).headers["Location"].startswith("/login?next=")
    assert operator.get(address).content == b"user:operator-user"
    assert client_with_role("cost_viewer").get(address).status_code == 403
    assert client_of(make_enrolled("half"), verified=False).get(address).headers["Location"].startswith("/login/factor")
    assert client_of(make_person("new"), verified=False).get(address).headers["Location"].startswith("/account/enrol")


def test_a_password_is_enough_for_the_way_to_the_factor() -> None:
    assert client_of(make_person(), verified=False).get("/half").content == b"user:admin"
    assert Client().get("/half").status_code == 302


def test_a_token_never_opens_a_page(client: Client) -> None:
    headers = bearer(*SCOPES)
    for address in ("/page", "/class", "/half"):
        assert client.get(address, headers=headers).headers["Location"].startswith("/login")


def test_a_token_with_the_scope_opens_the_api(client: Client) -> None:
    headers = bearer("query")
    for address in ("/api/things", "/api/ninja/things"):
        assert b"token:machine" in client.get(address, headers=headers).content
    assert client.post("/api/ninja/things", headers=headers).status_code == 403
    assert client.post("/api/ninja/things", headers=bearer("admin")).status_code == 200
    assert client.get("/api/things", headers=bearer("ingest:logs")).status_code == 403


def test_refusals_of_an_api_are_json_and_name_what_is_missing(client: Client) -> None:
    nobody = client.get("/api/things")
    assert nobody.status_code == 401
    assert nobody.headers["WWW-Authenticate"].startswith("Bearer")
    assert nobody.json()["errorType"] == "unauthorized"
    lacking = client.get("/api/things", headers=bearer("ingest:logs"))
    assert "'query'" in lacking.json()["error"]


def test_a_wrong_or_revoked_token_is_refused_even_beside_a_session(operator: Client) -> None:
    assert operator.get("/api/things").status_code == 200
    assert operator.get("/api/things", headers={"authorization": "Bearer bv_wrong"}).status_code == 401
    token, text = create_token(name="gone", scopes=["query"], actor="system")
    revoke_token(token=token, actor="system")
    assert operator.get("/api/things", headers={"authorization": f"Bearer {text}"}).status_code == 401


def test_a_token_acts_with_its_own_rights_not_those_of_the_session(operator: Client) -> None:
    assert operator.get("/api/things", headers=bearer("ingest:logs")).status_code == 403


def test_a_session_needs_a_csrf_token_on_apis_too() -> None:
    person = make_enrolled("operator", "operator")
    strict = client_of(person, enforce_csrf_checks=True)
    for address in ("/page", "/class", "/api/things", "/api/ninja/things"):
        assert strict.post(address).status_code == 403, address
    strict.cookies["belvedere-csrf"] = "a" * 32
    with_token = {"x-csrftoken": "a" * 32}
    for address in ("/page", "/class", "/api/things", "/api/ninja/things"):
        assert strict.post(address, headers=with_token).status_code == 200, address


def test_a_token_needs_no_csrf_token() -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/api/things", headers=bearer("query")).content == b"token:machine"


def test_an_authorization_header_does_not_free_a_page_from_csrf() -> None:
    strict = client_of(make_enrolled("operator", "operator"), enforce_csrf_checks=True)
    assert strict.post("/page", headers=bearer("query", "admin")).status_code == 403


def test_changes_that_a_browser_says_come_from_another_site_are_refused(operator: Client) -> None:
    foreign = {"sec-fetch-site": "cross-site"}
    for address in ("/page", "/api/things", "/public"):
        assert operator.post(address, headers=foreign).status_code == 403
    assert operator.get("/page", headers=foreign).status_code == 200
    assert Client().post("/api/things", headers={**bearer("query"), **foreign}).status_code == 403


def test_parts_of_pages_lead_the_whole_page_to_the_login(client: Client) -> None:
    headers = {"hx-request": "true", "hx-current-url": "http://testserver/logs?q=a"}
    response = client.get("/page", headers=headers)
    assert (response.status_code, response.headers["HX-Redirect"]) == (401, "/login?next=%2Flogs%3Fq%3Da")
    evil = client.get("/page", headers={**headers, "hx-current-url": "https://evil.example//x"})
    assert evil.headers["HX-Redirect"] == "/login"


def test_loopback_opens_what_says_so(client: Client) -> None:
    assert client.get("/local").content == b"anonymous"
    assert client.get("/local", REMOTE_ADDR="203.0.113.9").status_code == 302
    assert client.get("/local", HTTP_X_FORWARDED_FOR="127.0.0.1").status_code == 302


def test_events_of_a_request_carry_its_address_and_id(settings) -> None:
    settings.ROOT_URLCONF = "dashboard.urls"
    client = client_with_role("operator")
    form = {"name": "ci", "scopes": ["query"], "expires": ""}
    client.post("/settings/tokens", form, REMOTE_ADDR="203.0.113.9")
    assert AuditEvent.objects.get(action="token.created").ip == "203.0.113.9"
    record(actor="system", action="x.y")
    assert AuditEvent.objects.get(action="x.y").ip is None


@pytest.mark.django_db(transaction=True)
def test_events_of_a_request_carry_them_on_asgi_too(settings) -> None:
    settings.ROOT_URLCONF = "dashboard.urls"
    client = client_with_role("operator")
    asgi = AsyncClient(request_id="abc")
    asgi.cookies = client.cookies
    form = {"name": "ci", "scopes": ["query"], "expires": ""}
    response = async_to_sync(asgi.post)("/settings/tokens", form)
    assert response.status_code == 200
    event = AuditEvent.objects.get(action="token.created")
    assert (event.ip, event.request_id) == ("127.0.0.1", "abc")


def test_a_word_that_is_no_permission_is_refused_when_the_view_is_declared() -> None:
    with pytest.raises(ValueError, match="view:everything"):
        requires("view:everything")


def test_answers_behind_the_gate_are_not_kept(operator: Client, client: Client) -> None:
    for response in (operator.get("/page"), client.get("/page"), operator.get("/api/things")):
        assert response.headers["Cache-Control"] == "no-store"
        assert {"Cookie", "HX-Request"} <= set(response.headers["Vary"].split(", "))


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("administrator", set(PERMISSIONS), set()),
        ("operator", {"view:fleet", "query", "manage:targets", "manage:tokens"}, {"manage:users", "manage:admin"}),
        ("security_reviewer", {"view:security", "view:fleet", "view:audit", "query"}, {"view:cost", "manage:tokens"}),
        ("cost_viewer", {"view:cost", "view:overview"}, {"view:fleet", "view:security", "query", "view:settings"}),
    ],
)
def test_roles_may_what_the_table_says(role: str, may: set[str], may_not: set[str]) -> None:
    assert may <= ROLES[role]
    assert not may_not & ROLES[role]


def test_every_role_and_scope_word_is_known() -> None:
    for granted in (*ROLES.values(), *TOKEN_SCOPES.values()):
        assert granted <= PERMISSIONS.keys() | SCOPES.keys()
    assert set(TOKEN_SCOPES) == set(SCOPES)


def test_an_unknown_role_may_nothing() -> None:
    person = make_enrolled("odd", "no such role")
    assert client_of(person).get("/page").status_code == 403
