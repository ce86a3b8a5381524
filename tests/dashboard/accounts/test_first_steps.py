"""The set-up link, invitations, enrolment and recovery codes."""

import re
from base64 import b32decode
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from dashboard.accounts import setup, totp
from dashboard.accounts.factors import offer_authenticator
from dashboard.accounts.models import OneTimeLink, RecoveryCode, RecoveryDevice, TotpDevice, User, UserSession
from dashboard.accounts.setup import setup_link
from fleet.models import AuditEvent
from tests.dashboard.people import PASSWORD, client_of, make_enrolled, make_person

pytestmark = pytest.mark.django_db

FORM = {"username": "first", "new_password": PASSWORD, "repeated": PASSWORD}


def path_of(link: str | None) -> str:
    assert link is not None
    assert link.startswith(settings.PUBLIC_URL)
    return link.removeprefix(settings.PUBLIC_URL)


def offered(page: str) -> tuple[str, bytes]:
    """The sealed offer and the key of an enrolment page."""
    sealed = re.search(r'name="offer" value="([^"]+)"', page)
    typed = re.search(r'enrol__key">([A-Z2-7 ]+)<', page)
    assert sealed
    assert typed
    return sealed[1], b32decode(typed[1].replace(" ", ""))


def current_code(key: bytes) -> str:
    return totp.code_of_step(key, totp.step_at(timezone.now().timestamp()))


def test_from_the_link_to_the_overview(client: Client) -> None:
    path = path_of(setup_link())
    assert client.get(path).status_code == 200
    assert client.post(path, FORM).headers["Location"] == "/account/enrol"
    sealed, key = offered(client.get("/account/enrol").content.decode())
    page = client.post("/account/enrol", {"offer": sealed, "code": current_code(key)}).content.decode()
    codes = re.findall(r"\b[a-z2-7]{6}(?:-[a-z2-7]{6}){3}\b", page)
    assert len(set(codes)) == 10
    assert client.get("/account").status_code == 200
    assert client.post("/account/recovery-codes/stored", {"stored": "yes"}).headers["Location"] == "/"
    assert User.objects.get().effective_role == "administrator"
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"setup_link.created", "user.set_up", "user.factor_enrolled"} <= actions


def test_no_link_once_an_administrator_has_a_factor() -> None:
    make_enrolled()
    assert setup_link() is None


def test_administrators_without_a_factor_do_not_close_the_set_up() -> None:
    make_person()
    assert setup_link() is not None


def test_an_open_link_closes_when_an_administrator_enrols_meanwhile(client: Client) -> None:
    path = path_of(setup_link())
    make_enrolled()
    response = client.post(path, FORM)
    assert response.status_code == 410
    assert not User.objects.filter(username="first").exists()


def test_the_link_works_once(client: Client) -> None:
    path = path_of(setup_link())
    client.post(path, FORM)
    response = Client().post(path, {**FORM, "username": "second"})
    assert response.status_code == 410
    assert "used already" in response.content.decode()
    assert User.objects.count() == 1


def test_opening_the_link_does_not_use_it_up(client: Client) -> None:
    path = path_of(setup_link())
    for _ in range(3):
        assert client.get(path).status_code == 200


def test_a_form_with_a_mistake_does_not_use_the_link_up(client: Client) -> None:
    path = path_of(setup_link())
    for change in ({"repeated": "another pass phrase"}, {"new_password": "short", "repeated": "short"}):
        assert client.post(path, {**FORM, **change}).status_code == 200
    assert client.post(path, FORM).status_code == 302


@pytest.mark.parametrize("password", ["short", "eleven long", "first-first-first", "123456789012", "password1234"])
def test_weak_passwords_are_refused(client: Client, password: str) -> None:
    path = path_of(setup_link())
    form = {**FORM, "username": "first-first", "new_password": password, "repeated": password}
    assert client.post(path, form).status_code == 200
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "password", ["x7" * 64, "пароль из многих слов", "🐎🔋📎✅ and twelve more", " leading and trailing "]
)
def test_long_foreign_and_spaced_passwords_are_kept_exactly(client: Client, password: str) -> None:
    path = path_of(setup_link())
    assert client.post(path, {**FORM, "new_password": password, "repeated": password}).status_code == 302
    assert User.objects.get().check_password(password)
    assert not User.objects.get().check_password(password.strip() + "x")


def test_the_link_ends_after_a_day(client: Client) -> None:
    with time_machine.travel(timezone.now() - timedelta(hours=25)):
        path = path_of(setup_link())
    response = client.get(path)
    assert response.status_code == 410
    assert "24 hours" in response.content.decode()
    assert "belvedere setup-link" in response.content.decode()


def test_a_newer_link_replaces_the_older(client: Client) -> None:
    older, newer = path_of(setup_link()), path_of(setup_link())
    assert client.get(older).status_code == 410
    assert client.get(newer).status_code == 200


def test_a_wrong_link_says_what_to_do(client: Client) -> None:
    response = client.get("/setup/wrong")
    assert response.status_code == 410
    assert "belvedere setup-link" in response.content.decode()


def test_the_secret_is_stored_as_a_hash_only() -> None:
    secret = path_of(setup_link()).rpartition("/")[2]
    stored = str(OneTimeLink.objects.values().get())
    assert len(secret) >= 43
    assert secret not in stored


def test_a_name_left_over_from_an_unfinished_set_up_is_taken_over(client: Client) -> None:
    client.post(path_of(setup_link()), FORM)
    again = Client()
    assert again.post(path_of(setup_link()), FORM).status_code == 302
    assert User.objects.count() == 1
    assert client.get("/account/enrol").headers["Location"].startswith("/login")


def test_a_name_with_a_factor_is_not_taken_over(client: Client) -> None:
    make_enrolled("first", "operator")
    response = client.post(path_of(setup_link()), FORM)
    assert "taken" in response.content.decode()
    assert User.objects.get().role == "operator"
    assert OneTimeLink.objects.get().used_at is None


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one_administrator() -> None:
    path = path_of(setup_link())

    def use(name: str) -> int:
        try:
            return Client().post(path, {**FORM, "username": name}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(use, ["first", "second"])) == [302, 410]
    assert User.objects.count() == 1


def test_a_superuser_of_the_shell_has_to_enrol(client: Client) -> None:
    User.objects.create_superuser("shell", password=PASSWORD)
    client.post("/login", {"username": "shell", "password": PASSWORD})
    for path in ("/", "/account", "/settings/users", "/admin/"):
        assert client.get(path).headers["Location"].startswith("/account/enrol")


def test_an_invitation_sets_a_password_and_leads_to_enrolment(client: Client) -> None:
    person = make_person("new", "cost_viewer")
    person.user.set_unusable_password()
    person.user.save()
    path = path_of(setup.invitation_link(person.user, actor="user:admin"))
    response = client.post(path, {"new_password": PASSWORD, "repeated": PASSWORD})
    assert response.headers["Location"] == "/account/enrol"
    assert Client().get(path).status_code == 410


def test_a_password_link_does_not_skip_the_factor(client: Client) -> None:
    person = make_enrolled()
    path = path_of(setup.invitation_link(person.user, actor="user:other"))
    other = client_of(person)
    response = client.post(path, {"new_password": PASSWORD * 2, "repeated": PASSWORD * 2})
    assert response.headers["Location"] == "/login/factor"
    assert client.get("/account").headers["Location"].startswith("/login/factor")
    assert other.get("/account").headers["Location"].startswith("/login")


def test_a_setup_secret_is_no_invitation_and_the_reverse(client: Client) -> None:
    secret = path_of(setup_link()).rpartition("/")[2]
    assert client.get(f"/invite/{secret}").status_code == 410


def test_nothing_is_stored_before_the_code_is_confirmed(client: Client) -> None:
    client = client_of(make_person(), verified=False)
    sealed, key = offered(client.get("/account/enrol").content.decode())
    response = client.post("/account/enrol", {"offer": sealed, "code": "000000"})
    assert not TotpDevice.objects.exists()
    assert offered(response.content.decode())[1] == key  # the picture that was scanned stays


def test_the_enrolment_code_does_not_sign_in_again(client: Client) -> None:
    client = client_of(make_person(), verified=False)
    sealed, key = offered(client.get("/account/enrol").content.decode())
    code = current_code(key)
    client.post("/account/enrol", {"offer": sealed, "code": code})
    again = Client()
    again.post("/login", {"username": "admin", "password": PASSWORD})
    assert again.post("/login/factor", {"code": code}).status_code == 401


def test_an_offer_belongs_to_one_person_and_half_an_hour() -> None:
    mine, other = make_person("mine"), make_person("other")
    client = client_of(mine, verified=False)
    theirs = offer_authenticator(other.user)
    client.post("/account/enrol", {"offer": theirs.sealed, "code": current_code(theirs.key)})
    with time_machine.travel(timezone.now() - timedelta(minutes=31)):
        old = offer_authenticator(mine.user)
    client.post("/account/enrol", {"offer": old.sealed, "code": current_code(old.key)})
    assert not TotpDevice.objects.exists()


def test_a_new_authenticator_replaces_the_old_and_ends_other_sessions() -> None:
    person = make_enrolled()
    client, other = client_of(person), client_of(person)
    sealed, key = offered(client.get("/account/enrol").content.decode())
    assert client.post("/account/enrol", {"offer": sealed, "code": current_code(key)}).headers["Location"] == "/account"
    assert client.get("/account").status_code == 200
    assert other.get("/account").status_code == 302
    assert TotpDevice.objects.count() == 1
    assert not TotpDevice.objects.get().verify_token(person.code())


def test_the_key_is_sealed_at_rest() -> None:
    person = make_enrolled()
    stored = TotpDevice.objects.get().key_sealed
    for form in (person.key.hex(), totp.base32_key(person.key)):
        assert form not in stored


def test_a_key_sealed_with_the_old_signing_key_still_works(settings) -> None:
    person = make_enrolled()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50 + "new", [settings.SECRET_KEY]
    assert TotpDevice.objects.get().verify_token(person.code())


def test_a_lost_signing_key_accepts_no_code(settings) -> None:
    person = make_enrolled()
    settings.SECRET_KEY = "n" * 50 + "new"
    assert not TotpDevice.objects.get().verify_token(person.code())


def test_no_recovery_code_is_in_the_database() -> None:
    person = make_enrolled()
    stored = " ".join(map(str, RecoveryCode.objects.values_list("code_hash", flat=True)))
    assert len(person.recovery_codes) == 10
    for code in person.recovery_codes:
        assert code not in stored
        assert len(code.replace("-", "")) * 5 >= 112  # base32: five bits a character


def test_new_recovery_codes_need_a_fresh_factor_and_end_the_old() -> None:
    person = make_enrolled()
    client = client_of(person)
    UserSession.objects.update(factor_at="2020-01-01T00:00Z")
    assert client.post("/account/recovery-codes").headers["Location"].startswith("/account/confirm")
    client.post("/account/confirm", {"code": person.code()})
    page = client.post("/account/recovery-codes").content.decode()
    assert re.search(r"[a-z2-7]{6}-[a-z2-7]{6}", page)
    assert not RecoveryDevice.objects.get().verify_token(person.recovery_codes[0])


def test_the_account_page_reminds_of_codes_that_were_not_stored() -> None:
    client = client_of(make_enrolled())
    assert "never confirmed as stored" in client.get("/account").content.decode()
    client.post("/account/recovery-codes/stored", {"stored": "yes"})
    assert "never confirmed as stored" not in client.get("/account").content.decode()
