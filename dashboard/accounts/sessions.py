"""Starts, times, lists and ends the sessions of people. The row in the database decides, not the cookie."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib import auth
from django.db.models import QuerySet
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils import timezone
from django_otp import login as otp_login
from django_otp.models import Device

from dashboard.accounts.client_address import client_address
from dashboard.accounts.models import User, UserSession

PASSWORD_ONLY_SECONDS: Final = 15 * 60
"""A session that never got a second factor ends after this time."""
FRESH_SECONDS: Final = 15 * 60
"""How long a given factor allows changes to the account itself."""
_SEEN_EVERY: Final = timedelta(seconds=60)
_SESSION_WORD: Final = "belvedere_session"


def start_session(request: HttpRequest, user: User) -> None:
    """Sign the person in by password. The session key changes; the second factor is still to come."""
    end_session(request)  # nothing of an earlier session counts for the new one, least of all its factor
    auth.login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    word, now = secrets.token_urlsafe(32), timezone.now()
    request.session[_SESSION_WORD] = word
    _expired(UserSession.objects.filter(user=user), now).delete()
    UserSession.objects.create(
        user=user,
        token_hash=_hash(word),
        created_at=now,
        seen_at=now,
        address=client_address(request),
        user_agent=request.headers.get("User-Agent", "")[:300],
    )


def verify_session(request: HttpRequest, device: Device) -> None:
    """The second factor was given. The session key changes again."""
    otp_login(request, device)
    request.session.cycle_key()
    rotate_token(request)
    UserSession.objects.filter(token_hash=_hash(_word(request))).update(factor_at=timezone.now())


def current_session(request: HttpRequest) -> UserSession | None:
    """The row behind the session cookie if it still stands, marked as seen once a minute; None when it has ended."""
    row = UserSession.objects.filter(token_hash=_hash(_word(request))).first()
    now = timezone.now()
    if row is None or row.user_id != request.user.pk or _has_expired(row, now):
        return None
    if now - row.seen_at >= _SEEN_EVERY:
        UserSession.objects.filter(pk=row.pk).update(seen_at=now)
    return row


def end_session(request: HttpRequest) -> None:
    """Sign out: the row goes, the session is emptied and its key forgotten."""
    UserSession.objects.filter(token_hash=_hash(_word(request))).delete()
    auth.logout(request)


def end_sessions(user: User, *, keep: HttpRequest | None = None) -> int:
    """End the sessions of `user`, but the one of `keep`. Their cookies count for nothing from the next request on."""
    rows = UserSession.objects.filter(user=user)
    if keep is not None:
        rows = rows.exclude(token_hash=_hash(_word(keep)))
    return rows.delete()[0]


def live_sessions(user: User) -> list[UserSession]:
    """Sessions of `user` that have not expired, newest use first."""
    now = timezone.now()
    return [row for row in UserSession.objects.filter(user=user) if not _has_expired(row, now)]


def is_current(request: HttpRequest, row: UserSession) -> bool:
    return row.token_hash == _hash(_word(request))


def factor_is_fresh(request: HttpRequest) -> bool:
    """Whether a factor was given in this session within FRESH_SECONDS."""
    since = timezone.now() - timedelta(seconds=FRESH_SECONDS)
    return UserSession.objects.filter(token_hash=_hash(_word(request)), factor_at__gt=since).exists()


def _has_expired(row: UserSession, now: datetime) -> bool:
    age, idle = (now - row.created_at).total_seconds(), (now - row.seen_at).total_seconds()
    if row.factor_at is None:
        return age >= PASSWORD_ONLY_SECONDS
    return age >= settings.SESSION_COOKIE_AGE or idle >= settings.SESSION_IDLE_SECONDS


def _expired(rows: QuerySet[UserSession], now: datetime) -> QuerySet[UserSession]:
    """Rows past the longest life of any session."""
    return rows.filter(created_at__lt=now - timedelta(seconds=settings.SESSION_COOKIE_AGE))


def _word(request: HttpRequest) -> str:
    return str(request.session.get(_SESSION_WORD, ""))


def _hash(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()
