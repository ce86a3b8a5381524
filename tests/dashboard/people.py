"""People for tests: made with a role, enrolled, signed in, without the pages in between."""

import time
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.test import Client, RequestFactory

from dashboard.accounts import totp
from dashboard.accounts.factors import new_recovery_codes
from dashboard.accounts.models import TotpDevice, User
from dashboard.accounts.sessions import start_session, verify_session

PASSWORD = "a long enough pass phrase"


@dataclass
class TestPerson:
    """A user with what only the person knows."""

    __test__ = False

    user: User
    password: str = PASSWORD
    key: bytes = b""
    recovery_codes: list[str] = field(default_factory=list)

    def code(self, steps: int = 0) -> str:
        """What the authenticator shows now, or so many steps of 30 s from now."""
        return totp.code_of_step(self.key, totp.step_at(time.time()) + steps)


def make_person(username: str = "admin", role: str = "administrator", **attributes: object) -> TestPerson:
    """A user with a password and no factor."""
    user = User(username=username, role=role, is_staff=role == "administrator", **attributes)
    user.set_password(PASSWORD)
    user.save()
    return TestPerson(user)


def enrol(person: TestPerson) -> TestPerson:
    """Give the user an authenticator and recovery codes."""
    person.key = totp.new_key()
    TotpDevice.objects.create(user=person.user, name="Authenticator app", key_sealed=TotpDevice.sealed(person.key))
    person.recovery_codes = new_recovery_codes(person.user)
    return person


def make_enrolled(username: str = "admin", role: str = "administrator") -> TestPerson:
    return enrol(make_person(username, role))


def client_of(person: TestPerson, *, verified: bool = True, **options: object) -> Client:
    """A client signed in by password, and by factor too if `verified`."""
    client = Client(**options)
    request = _request(client.session)
    start_session(request, person.user)
    if verified:
        device = TotpDevice.objects.get(user=person.user)
        request.user = person.user
        verify_session(request, device)
    request.session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key
    return client


def client_with_role(role: str) -> Client:
    """A verified client of a new user with `role`."""
    return client_of(make_enrolled(f"{role}-user", role))


def _request(session: SessionBase) -> HttpRequest:
    request = RequestFactory().get("/")
    request.session, request.user = session, AnonymousUser()
    return request
