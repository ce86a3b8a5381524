"""One-time links: how the first administrator gets in, and how everyone else sets a first password."""

import hashlib
import secrets
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from dashboard.accounts.models import OneTimeLink, TotpDevice, User
from fleet.actions.audit import record

LIFE: Final = timedelta(hours=24)
IS_ADMINISTRATOR: Final = Q(role=User.Role.ADMINISTRATOR) | Q(is_superuser=True)


class LinkUnusable(ValueError):
    """The link is unknown, used or too old; the message says which and how to get another."""


class NameTaken(ValueError):
    """The user name belongs to someone who has a second factor."""


def setup_link(base: str | None = None) -> str | None:
    """Address that makes the first administrator, once, within 24 hours. None if there is one with a factor already.

    A newer link replaces the one before it. `base` is the start of the address, BELVEDERE_PUBLIC_URL if not given.
    """
    if administrators_with_factor().exists():
        return None
    with transaction.atomic():
        OneTimeLink.objects.filter(purpose=OneTimeLink.Purpose.SETUP, used_at=None).delete()
        secret = _create_link(OneTimeLink.Purpose.SETUP, None, "system")
        record(actor="system", action="setup_link.created", object_type="link")
    return f"{base or settings.PUBLIC_URL}/setup/{secret}"


def invitation_link(user: User, *, actor: str, base: str | None = None) -> str:
    """Address at which `user` sets a password, once, within 24 hours. Earlier ones stop working."""
    with transaction.atomic():
        OneTimeLink.objects.filter(user=user, used_at=None).delete()
        secret = _create_link(OneTimeLink.Purpose.INVITATION, user, actor)
        record(actor=actor, action="user.invited", object_type="user", object_id=user.get_username())
    return f"{base or settings.PUBLIC_URL}/invite/{secret}"


def usable_link(secret: str, purpose: OneTimeLink.Purpose) -> OneTimeLink:
    """The link behind `secret`. Raises LinkUnusable."""
    link = OneTimeLink.objects.select_related("user").filter(purpose=purpose, secret_hash=_hash(secret)).first()
    if link is None:
        raise LinkUnusable("This link is not known here. Perhaps it was cut off, or a newer one has replaced it.")
    if link.used_at is not None:
        raise LinkUnusable("This link was used already; each works once.")
    if link.expires_at <= timezone.now():
        raise LinkUnusable("This link is older than 24 hours and no longer works.")
    if purpose == OneTimeLink.Purpose.SETUP and administrators_with_factor().exists():
        raise LinkUnusable("This Belvedere has an administrator already. Sign in, or ask for an invitation.")
    return link


def create_first_administrator(link: OneTimeLink, username: str, password: str) -> User:
    """Use the link up for an administrator called `username`.

    A name without any factor, such as one left over when enrolment was not finished, is taken over. Raises
    LinkUnusable when someone else was faster, NameTaken for a name that has a factor.
    """
    with transaction.atomic():
        _use_up(link)
        user = User.objects.filter(username=username).first() or User(username=username)
        if user.pk and TotpDevice.objects.filter(user=user).exists():
            raise NameTaken(f"The name {username!r} is taken.")
        user.role, user.is_staff, user.is_active = User.Role.ADMINISTRATOR, True, True
        user.set_password(password)
        user.save()
        user.sessions.all().delete()
        record(actor=f"user:{username}", action="user.set_up", object_type="user", object_id=username)
    return user


def accept_invitation(link: OneTimeLink, password: str) -> User:
    """Use the link up and set the password of the person it invites. The second factor is not touched."""
    with transaction.atomic():
        _use_up(link)
        user = User.objects.select_for_update().get(links=link)
        user.set_password(password)
        user.save(update_fields=["password"])
        user.sessions.all().delete()
        name = user.get_username()
        record(actor=f"user:{name}", action="user.password_set", object_type="user", object_id=name)
    return user


def administrators_with_factor() -> QuerySet[User]:
    """Active administrators who can sign in."""
    return User.objects.filter(
        IS_ADMINISTRATOR,
        Exists(TotpDevice.objects.filter(user=OuterRef("pk"), confirmed=True)),
        is_active=True,
    )


def _create_link(purpose: OneTimeLink.Purpose, user: User | None, actor: str) -> str:
    """The secret of a new link: 256 random bits."""
    secret, now = secrets.token_urlsafe(32), timezone.now()
    OneTimeLink.objects.create(
        purpose=purpose,
        user=user,
        secret_hash=_hash(secret),
        created_by=actor,
        created_at=now,
        expires_at=now + LIFE,
    )
    return secret


def _use_up(link: OneTimeLink) -> None:
    """One caller wins, however many come at once."""
    if not OneTimeLink.objects.filter(pk=link.pk, used_at=None).update(used_at=timezone.now()):
        raise LinkUnusable("This link was used already; each works once.")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
