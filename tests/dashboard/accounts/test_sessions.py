"""Sessions end: by time, by hand, by a change of password, factor or role."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.accounts.models import UserSession
from dashboard.accounts.setup import invitation_link
from dashboard.accounts.upkeep import remove_expired
from dashboard.accounts.user_agent import browser_words
from tests.dashboard.people import PASSWORD, client_of, make_enrolled, make_person

pytestmark = pytest.mark.django_db

NEW = "quite another pass phrase"


def signed_out(client: Client) -> bool:
    return client.get("/account").headers.get("Location", "").startswith("/login?")


def later(**span: float):
    return time_machine.travel(timezone.now() + timedelta(**span))


def test_a_session_ends_after_eight_hours_without_a_request() -> None:
    client = client_of(make_enrolled())
    with later(hours=7, minutes=59):
        assert client.get("/account").status_code == 200
    with later(hours=15):
        assert client.get("/account").status_code == 200
    with later(hours=24):
        assert signed_out(client)


def test_a_session_ends_after_seven_days_whatever_its_use() -> None:
    client = client_of(make_enrolled())
    for hours in range(0, 7 * 24, 7):
        with later(hours=hours):
            assert client.get("/account").status_code == 200, hours
    with later(days=7, seconds=1):
        assert signed_out(client)


def test_a_password_without_a_factor_lasts_a_quarter_of_an_hour() -> None:
    client = client_of(make_enrolled(), verified=False)
    with later(minutes=16):
        assert client.get("/login/factor").headers["Location"].startswith("/login?")


def test_last_use_is_written_once_a_minute() -> None:
    client = client_of(make_enrolled())
    with CaptureQueriesContext(
        connection,
    ) as queries:
        client.get("/account")
        client.get("/account")
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]
    with later(seconds=61):
        client.get("/account")
    assert UserSession.objects.get().seen_at > timezone.now() + timedelta(seconds=50)


def test_the_account_page_lists_sessions_and_ends_one() -> None:
    person = make_enrolled()
    client, other = client_of(person), client_of(person)
    newest = UserSession.objects.order_by("-pk").first()
    assert "this session" in client.get("/account").content.decode()
    assert client.post(f"/account/sessions/{newest.pk}/end").status_code == 302
    assert signed_out(other)
    assert not signed_out(client)


def test_nobody_ends_the_session_of_another_person() -> None:
    client, victim = client_of(make_enrolled()), client_of(make_enrolled("victim"))
    theirs = UserSession.objects.get(user__username="victim")
    assert client.post(f"/account/sessions/{theirs.pk}/end").status_code == 404
    assert not signed_out(victim)


def test_all_other_sessions_end_at_once() -> None:
    person = make_enrolled()
    client, *others = (client_of(person) for _ in range(3))
    client.post("/account/sessions/end-others")
    assert [signed_out(each) for each in (client, *others)] == [False, True, True]


def test_changing_the_password_keeps_this_session_and_ends_the_others() -> None:
    person = make_enrolled()
    client, other = client_of(person), client_of(person)
    form = {"password": PASSWORD, "new_password": NEW, "repeated": NEW}
    assert client.post("/account/password", form).status_code == 302
    assert not signed_out(client)
    assert signed_out(other)
    person.user.refresh_from_db()
    assert person.user.check_password(NEW)


def test_changing_the_password_needs_the_current_one() -> None:
    client = client_of(make_enrolled())
    form = {"password": "wrong", "new_password": NEW, "repeated": NEW}
    assert "not the current password" in client.post("/account/password", form).content.decode()


def test_changing_the_password_needs_a_fresh_factor() -> None:
    person = make_enrolled()
    client = client_of(person)
    with later(minutes=16):
        form = {"password": PASSWORD, "new_password": NEW, "repeated": NEW}
        assert (
            client.post("/account/password", form).headers["Location"] == "/account/confirm?next=%2Faccount%2Fpassword"
        )
        assert (
            client.post("/account/confirm", {"code": person.code(), "next": "/account/password"}).headers["Location"]
            == "/account/password"
        )
        assert client.post("/account/password", form).headers["Location"] == "/account"


def test_a_code_that_signed_in_does_not_confirm_again(client: Client) -> None:
    person = make_enrolled()
    code = person.code()
    client.post("/login", {"username": "admin", "password": PASSWORD})
    client.post("/login/factor", {"code": code})
    UserSession.objects.update(factor_at="2020-01-01T00:00Z")
    assert client.post("/account/confirm", {"code": code}).status_code == 401
    assert client.get("/account/password").headers["Location"].startswith("/account/confirm")


def test_a_session_without_its_row_counts_for_nothing(client: Client) -> None:
    person = make_person()
    client.force_login(person.user)
    assert signed_out(client)


def test_a_deleted_cookie_row_is_emptied_in_the_browser_too() -> None:
    client = client_of(make_enrolled())
    UserSession.objects.all().delete()
    client.get("/account")
    assert client.cookies[settings.SESSION_COOKIE_NAME].value == ""


def test_rows_past_their_life_are_removed_at_the_next_sign_in(client: Client) -> None:
    person = make_enrolled()
    with time_machine.travel(timezone.now() - timedelta(days=8)):
        client_of(person)
    client_of(person)
    assert UserSession.objects.count() == 1


def test_upkeep_removes_what_no_longer_counts_and_nothing_else() -> None:
    person = make_enrolled()
    with time_machine.travel(timezone.now() - timedelta(hours=9)):
        client_of(person)
    with time_machine.travel(timezone.now() - timedelta(days=40)):
        old_link = invitation_link(person.user, actor="system")
    client = client_of(person)
    assert remove_expired() == 2
    assert not signed_out(client)
    assert Client().get(old_link).status_code == 410


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 "
            "Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        ("curl/8.5.0", "curl"),
        ("something else", "something else"),
        ("", "unknown"),
    ],
)
def test_browsers_are_named_as_people_name_them(header: str, words: str) -> None:
    assert browser_words(header) == words
