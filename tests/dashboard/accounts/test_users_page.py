"""What administrators do to the accounts of others."""

import re

import pytest
from django.test import Client

from dashboard.accounts.models import TotpDevice, User, UserSession
from fleet.models import AuditEvent
from tests.dashboard.people import TestPerson, client_of, make_enrolled, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin_person() -> TestPerson:
    return make_enrolled()


@pytest.fixture
def admin(admin_person: TestPerson) -> Client:
    return client_of(admin_person)


def act(client: Client, user: User, action: str, **form: str):
    return client.post(f"/settings/users/{user.pk}/{action}", form, follow=True)


def signed_out(client: Client) -> bool:
    return client.get("/account").status_code == 302


def test_someone_new_gets_a_link_that_is_shown_once(admin: Client) -> None:
    page = admin.post("/settings/users", {"username": "new", "role": "cost_viewer"}).content.decode()
    link = re.search(r"/invite/[\w-]{43}", page)
    assert link
    assert link[0] not in admin.get("/settings/users").content.decode()
    assert not User.objects.get(username="new").has_usable_password()
    assert Client().get(link[0]).status_code == 200


@pytest.mark.parametrize("name", ["admin", "ADMIN", "", "two words", "a" * 151, "<script>"])
def test_taken_and_invalid_names_are_refused(admin: Client, name: str) -> None:
    assert admin.post("/settings/users", {"username": name, "role": "operator"}).status_code == 200
    assert User.objects.count() == 1


def test_a_role_change_ends_the_sessions(admin: Client) -> None:
    other = make_enrolled("other", "cost_viewer")
    theirs = client_of(other)
    act(admin, other.user, "role", role="operator")
    other.user.refresh_from_db()
    assert other.user.role == "operator"
    assert signed_out(theirs)
    event = AuditEvent.objects.get(action="user.role_changed")
    assert event.detail == {"before": "cost_viewer", "after": "operator"}
    assert event.ip == "127.0.0.1"


def test_an_invented_role_is_refused(admin: Client) -> None:
    other = make_enrolled("other", "operator")
    assert admin.post(f"/settings/users/{other.user.pk}/role", {"role": "root"}).status_code == 400


def test_taking_the_role_of_a_superuser_takes_the_superuser_too(admin: Client) -> None:
    root = make_person("root", "operator", is_superuser=True)
    act(admin, root.user, "role", role="operator")
    root.user.refresh_from_db()
    assert root.user.effective_role == "operator"
    assert not root.user.is_staff


def test_a_disabled_user_is_out_and_may_come_back(admin: Client) -> None:
    other = make_enrolled("other", "operator")
    theirs = client_of(other)
    act(admin, other.user, "activity", active="no")
    assert signed_out(theirs)
    assert Client().post("/login", {"username": "other", "password": other.password}).status_code == 401
    act(admin, other.user, "activity", active="yes")
    assert Client().post("/login", {"username": "other", "password": other.password}).status_code == 302


@pytest.mark.parametrize(("action", "form"), [("role", {"role": "operator"}), ("activity", {"active": "no"})])
def test_the_last_administrator_stays(
    admin: Client, admin_person: TestPerson, action: str, form: dict[str, str]
) -> None:
    make_person("without-factor")  # an administrator who cannot sign in does not count
    assert "is the last administrator" in act(admin, admin_person.user, action, **form).content.decode()
    admin_person.user.refresh_from_db()
    assert admin_person.user.is_active
    assert admin_person.user.role == "administrator"


def test_an_administrator_may_step_down_when_there_is_another(admin: Client, admin_person: TestPerson) -> None:
    make_enrolled("second")
    act(admin, admin_person.user, "role", role="operator")
    admin_person.user.refresh_from_db()
    assert admin_person.user.role == "operator"
    assert signed_out(admin)


def test_reset_factors_lead_to_enrolment(admin: Client) -> None:
    other = make_enrolled("other", "operator")
    theirs = client_of(other)
    act(admin, other.user, "reset-factors")
    assert not TotpDevice.objects.filter(user=other.user).exists()
    assert signed_out(theirs)
    client = Client()
    response = client.post("/login", {"username": "other", "password": other.password})
    assert response.headers["Location"] == "/account/enrol"


@pytest.mark.parametrize("action", ["role", "activity", "reset-factors", "invite"])
def test_changes_need_a_fresh_factor(admin: Client, action: str) -> None:
    other = make_enrolled("other", "cost_viewer")
    UserSession.objects.update(factor_at="2020-01-01T00:00Z")
    response = admin.post(f"/settings/users/{other.user.pk}/{action}", {"role": "operator", "active": "no"})
    assert response.headers["Location"] == "/account/confirm?next=%2Fsettings%2Fusers"
    other.user.refresh_from_db()
    assert other.user.is_active
    assert other.user.role == "cost_viewer"
    assert TotpDevice.objects.filter(user=other.user).exists()


@pytest.mark.parametrize("role", ["operator", "security_reviewer", "cost_viewer"])
def test_nobody_else_manages_people(role: str) -> None:
    person = make_enrolled("other", role)
    client = client_of(person)
    assert client.get("/settings/users").status_code == 403
    assert client.post(f"/settings/users/{person.user.pk}/role", {"role": "administrator"}).status_code == 403


def test_listing_people_costs_the_same_however_many(admin: Client, django_assert_max_num_queries) -> None:
    for number in range(20):
        make_enrolled(f"user-{number}", "operator")
    with django_assert_max_num_queries(12):
        admin.get("/settings/users")


def test_a_name_is_shown_as_text(admin: Client) -> None:
    make_person("<b>bold</b>", "operator")
    page = admin.get("/settings/users").content.decode()
    assert "<b>bold" not in page
    assert "&lt;b&gt;bold" in page
