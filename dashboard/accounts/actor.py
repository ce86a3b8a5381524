"""Who makes a request, as one value: a person, a machine or nobody."""

from dataclasses import dataclass, field
from typing import Final, Literal

from django.http import HttpRequest

from dashboard.accounts.models import User
from dashboard.accounts.roles import ROLES, permissions_of_scopes
from fleet.tokens import Principal

Kind = Literal["anonymous", "user", "token"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever acts. `permissions` is empty for a person whose second factor is not verified."""

    kind: Kind
    name: str = ""
    role: str = ""
    """Role of a person; empty for machines."""
    scopes: frozenset[str] = frozenset()
    """Scopes of a token; empty for persons."""
    permissions: frozenset[str] = field(default=frozenset(), repr=False)
    verified: bool = False
    """A person who gave a second factor in this session, or a valid token."""
    service: str | None = None
    """Service that a token is bound to."""

    def can(self, permission: str) -> bool:
        return permission in self.permissions

    @property
    def audit_name(self) -> str:
        """How the audit trail names it: user:NAME, token:NAME or anonymous."""
        return f"{self.kind}:{self.name}" if self.name else self.kind


ANONYMOUS: Final = Actor("anonymous")


class ActorRequest(HttpRequest):
    """For annotations: a request that has passed the gate."""

    actor: Actor


def actor_of(request: HttpRequest) -> Actor:
    """The actor that the gate has set; nobody where no gate stood."""
    actor: Actor = getattr(request, "actor", ANONYMOUS)
    return actor


def actor_of_user(user: User, *, verified: bool) -> Actor:
    """The person, with the permissions of the role if the second factor is `verified`."""
    role = user.effective_role
    granted = ROLES.get(role, frozenset()) if verified else frozenset()
    return Actor("user", user.get_username(), role, permissions=granted, verified=verified)


def actor_of_principal(principal: Principal) -> Actor:
    """The machine, with what its scopes allow."""
    return Actor(
        "token",
        principal.name,
        scopes=principal.scopes,
        permissions=permissions_of_scopes(principal.scopes),
        verified=True,
        service=principal.service,
    )
