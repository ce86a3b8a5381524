"""What administrators do to the accounts of others. Each is one transaction with one audit event."""

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from dashboard.accounts.factors import reset_factors
from dashboard.accounts.models import User
from dashboard.accounts.sessions import end_sessions
from dashboard.accounts.setup import IS_ADMINISTRATOR, administrators_with_factor
from dashboard.accounts.trail import note


class LastAdministrator(ValueError):
    """The change would leave nobody who can administrate."""


def create_person(request: HttpRequest, *, username: str, role: str) -> User:
    """A person without a password, who comes in by an invitation."""
    with transaction.atomic():
        user = User(username=username, role=role, is_staff=role == User.Role.ADMINISTRATOR)
        user.set_unusable_password()
        user.save()
        note(request, "user.created", object_type="user", object_id=username, detail={"role": role})
    return user


def change_role(request: HttpRequest, user: User, role: str) -> None:
    """Give `user` another role; its sessions end. Raises LastAdministrator."""
    with transaction.atomic():
        locked = _locked(user)
        before = locked.effective_role
        if role != User.Role.ADMINISTRATOR:
            _keep_one_administrator(locked)
        locked.role, locked.is_superuser = role, False
        locked.is_staff = role == User.Role.ADMINISTRATOR
        locked.save(update_fields=["role", "is_staff", "is_superuser"])
        end_sessions(locked)
        note(
            request,
            "user.role_changed",
            object_type="user",
            object_id=locked.get_username(),
            detail={"before": before, "after": role},
        )


def set_active(request: HttpRequest, user: User, active: bool) -> None:
    """Let `user` in again, or keep it out from the next request on. Raises LastAdministrator."""
    with transaction.atomic():
        locked = _locked(user)
        if not active:
            _keep_one_administrator(locked)
            end_sessions(locked)
        locked.is_active = active
        locked.save(update_fields=["is_active"])
        note(
            request,
            "user.enabled" if active else "user.disabled",
            object_type="user",
            object_id=locked.get_username(),
        )


def reset_factors_of(request: HttpRequest, user: User) -> None:
    """Remove the factors of `user`, who enrols anew after the next password; its sessions end."""
    with transaction.atomic():
        removed = reset_factors(user)
        end_sessions(user)
        note(
            request,
            "user.factors_reset",
            object_type="user",
            object_id=user.get_username(),
            detail={"removed": removed},
        )


def _locked(user: User) -> User:
    """The row of `user`, locked together with all administrators, so that two changes cannot remove the last two."""
    rows = User.objects.select_for_update().filter(Q(pk=user.pk) | IS_ADMINISTRATOR).order_by("pk")
    return next(row for row in rows if row.pk == user.pk)


def _keep_one_administrator(user: User) -> None:
    others = administrators_with_factor().exclude(pk=user.pk)
    if user.effective_role == User.Role.ADMINISTRATOR and not others.exists():
        raise LastAdministrator(
            f"{user.get_username()} is the last administrator with a second factor; make another one first."
        )
