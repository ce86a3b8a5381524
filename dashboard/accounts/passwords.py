"""Checks a password without letting many checks at once eat the machine."""

import threading
from typing import Final

from django.contrib.auth import authenticate
from django.http import HttpRequest

from dashboard.accounts.models import User

AT_ONCE: Final = 2
"""Argon2 takes about 100 MB for each check; more than this many wait for their turn."""
LONGEST_QUEUE_SECONDS: Final = 20

_turns = threading.BoundedSemaphore(AT_ONCE)


class TooBusy(RuntimeError):
    """So many passwords are being checked that this one would wait too long."""


def user_with_password(request: HttpRequest, username: str, password: str) -> User | None:
    """The active person with this name and password, or None.

    An unknown name costs as much time as a wrong password (Django hashes once in either case). Raises TooBusy.
    """
    if not _turns.acquire(timeout=LONGEST_QUEUE_SECONDS):
        raise TooBusy
    try:
        user = authenticate(request, username=username, password=password)
    finally:
        _turns.release()
    return user if isinstance(user, User) else None
