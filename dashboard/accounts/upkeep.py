"""Removes sessions and one-time links that no longer count."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from dashboard.accounts.models import OneTimeLink, UserSession

LINKS_KEPT: Final = timedelta(days=30)
"""So long a used or expired link can still say that it was used or expired."""


def remove_expired() -> int:
    """How many rows went. Deciding whether a session counts does not wait for this: the gate looks at the times."""
    now = timezone.now()
    idle = now - timedelta(seconds=settings.SESSION_IDLE_SECONDS)
    oldest = now - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    sessions = UserSession.objects.filter(Q(seen_at__lt=idle) | Q(created_at__lt=oldest))
    links = OneTimeLink.objects.filter(expires_at__lt=now - LINKS_KEPT)
    return sessions.delete()[0] + links.delete()[0]
