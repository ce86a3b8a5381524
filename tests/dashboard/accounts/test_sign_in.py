"""Signing in: password, factor, what each step opens, and what it does not."""

import re

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from dashboard.accounts.models import TotpDevice, UserSession
from fleet.models import AuditEvent
from tests.dashboard.people import PASSWORD, client_of, enrol, make_enrolled, make_person

pytestmark = pytest.mark.django_db


def post_login(client: Client, username: str = "admin", password: str = PASSWORD, **extra: str):
    return client.post("/login", {"username": username, "password": password, **extra})


def test_password_then_code_opens_the_pages(client: Client) -> None:
    person = make_enrolled()
    assert post_login(client).headers["Location"] == "/login/factor"
    response = client.post("/login/factor", {"code": person.code()})
    assert (response.status_code, response.headers["Location"]) == (302, "/")
    assert client.get("/account").status_code == 200
    assert AuditEvent.objects.filter(action="user.signed_in", actor="user:admin").exists()


def test_a_code_may_be_typed_with_a_space(client: Client) -> None:
    person = make_enrolled()
    post_login(client)
    code = person.code()
    assert client.post("/login/factor", {"code": f" {code[:3]} {code[3:]} "}).status_code == 302


def test_the_password_alone_opens_nothing() -> None:
    client = client_of(make_enrolled(), verified=False)
    assert client.get("/account").headers["Location"] == "/login/factor?next=%2Faccount"


def test_someone_without_a_factor_is_led_to_enrolment(client: Client) -> None:
    make_person()
    assert post_login(client).headers["Location"] == "/account/enrol"
    assert client.get("/settings/users").headers["Location"] == "/account/enrol?next=%2Fsettings%2Fusers"


def test_the_wanted_page_follows_through_both_steps(client: Client) -> None:
    person = make_enrolled()
    first = client.get("/account?tab=1")
    assert first.headers["Location"] == "/login?next=%2Faccount%3Ftab%3D1"
    assert post_login(client, next="/account?tab=1").headers["Location"] == "/login/factor?next=%2Faccount%3Ftab%3D1"
    response = client.post("/login/factor", {"code": person.code(), "next": "/account?tab=1"})
    assert response.headers["Location"] == "/account?tab=1"


def test_the_session_key_changes_at_both_steps(client: Client) -> None:
    person = make_enrolled()
    planted = SessionStore()
    planted["planted"] = True
    planted.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = planted.session_key
    post_login(client)
    after_password = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.post("/login/factor", {"code": person.code()})
    after_factor = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert len({planted.session_key, after_password, after_factor}) == 3
    assert not SessionStore().exists(planted.session_key)
    assert not SessionStore().exists(after_password)


def test_a_new_password_login_forgets_the_factor_of_the_session_before() -> None:
    person = make_enrolled()
    client = client_of(person)
    client.post("/logout")
    post_login(client)
    assert client.get("/account").status_code == 302
    assert UserSession.objects.get().factor_at is None


def test_unknown_name_wrong_password_and_disabled_account_answer_alike(client: Client) -> None:
    make_enrolled()
    off = make_enrolled("off")
    off.user.is_active = False
    off.user.save()
    answers = [
        post_login(client, "admin", "wrong"),
        post_login(client, "nobody", "wrong"),
        post_login(client, "off", PASSWORD),
    ]
    assert {answer.status_code for answer in answers} == {401}
    pages = {re.sub(r'value="[^"]*"', "", answer.content.decode()) for answer in answers}
    assert len(pages) == 1


def test_an_unknown_name_costs_a_password_hash_too(client: Client, settings, monkeypatch) -> None:
    from django.contrib.auth.hashers import MD5PasswordHasher

    hashed: list[str] = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *arguments: hashed.append("x") or encode(*arguments))
    make_enrolled()
    counts = []
    for name in ("admin", "nobody"):
        hashed.clear()
        post_login(client, name, "wrong")
        counts.append(len(hashed))
    assert counts == [1, 1]


def test_a_code_works_once(client: Client) -> None:
    person = make_enrolled()
    code = person.code()
    post_login(client)
    assert client.post("/login/factor", {"code": code}).status_code == 302
    again = Client()
    post_login(again)
    assert again.post("/login/factor", {"code": code}).status_code == 401


def test_an_earlier_code_is_refused_after_a_later_one() -> None:
    person = make_enrolled()
    device = TotpDevice.objects.get()
    early, late = person.code(-1), person.code(0)
    assert device.verify_token(late)
    assert not device.verify_token(early)


def test_a_recovery_code_works_once_and_says_how_many_are_left(client: Client) -> None:
    person = make_enrolled()
    post_login(client)
    code = person.recovery_codes[0].upper().replace("-", " ")
    response = client.post("/login/factor", {"code": code}, follow=True)
    assert "9 are left" in response.content.decode()
    again = Client()
    post_login(again)
    assert again.post("/login/factor", {"code": person.recovery_codes[0]}).status_code == 401
    assert again.post("/login/factor", {"code": person.recovery_codes[1]}).status_code == 302


def test_signing_out_ends_the_session_on_the_server(client: Client) -> None:
    client = client_of(make_enrolled())
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    response = client.post("/logout")
    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert not UserSession.objects.exists()
    replay = Client()
    replay.cookies[settings.SESSION_COOKIE_NAME] = cookie
    assert replay.get("/account").headers["Location"].startswith("/login")


def test_signing_out_by_a_link_does_nothing() -> None:
    client = client_of(make_enrolled())
    assert client.get("/logout").status_code == 405
    assert client.get("/account").status_code == 200


def test_a_disabled_account_is_out_at_the_next_request() -> None:
    person = make_enrolled()
    client = client_of(person)
    person.user.is_active = False
    person.user.save()
    assert client.get("/account").headers["Location"].startswith("/login")


def test_another_persons_device_does_not_verify(client: Client) -> None:
    make_enrolled("admin")
    other = make_enrolled("other")
    post_login(client)
    assert client.post("/login/factor", {"code": other.code()}).status_code == 401
    assert client.post("/login/factor", {"code": other.recovery_codes[0]}).status_code == 401


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.example",
        "https://evil.example/",
        "https:evil.example",
        "\\\\evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/%0d%0aSet-Cookie:x=1\r\n",
        "/\tevil",
        "http:///evil.example",
        "////evil.example",
    ],
)
def test_next_never_leads_to_another_site(client: Client, elsewhere: str) -> None:
    person = make_enrolled()
    post_login(client, next=elsewhere)
    response = client.post("/login/factor", {"code": person.code(), "next": elsewhere})
    assert response.headers["Location"] == "/"


def test_enrolment_is_closed_to_a_password_when_there_is_a_factor() -> None:
    client = client_of(make_enrolled(), verified=False)
    assert client.get("/account/enrol").headers["Location"] == "/login/factor"
    assert client.post("/account/enrol", {"code": "1", "offer": "x"}).headers["Location"] == "/login/factor"


def test_enrolment_asks_again_for_a_factor_that_is_old() -> None:
    person = make_enrolled()
    client = client_of(person)
    UserSession.objects.update(factor_at="2020-01-01T00:00Z")
    assert client.get("/account/enrol").headers["Location"] == "/account/confirm?next=%2Faccount%2Fenrol"
    assert client.post("/account/confirm", {"code": person.code(), "next": "/account/enrol"}).status_code == 302
    assert client.get("/account/enrol").status_code == 200


def test_a_factor_of_the_database_alone_does_not_verify_a_session() -> None:
    client = client_of(enrol(make_person()))
    UserSession.objects.update(factor_at=None)
    assert client.get("/account").headers["Location"].startswith("/login/factor")
