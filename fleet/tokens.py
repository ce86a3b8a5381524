"""API tokens: `bv_<8 characters of id>_<43 characters of secret>`, shown once, stored as SHA-256.

The fixed prefix lets secret scanners find a leaked token; the id finds its row without a scan; the secret
has 256 random bits, so a plain hash is enough (there is nothing to guess).
"""

import base64
import binascii
import hashlib
import secrets
import string
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from fleet.actions.audit import record
from fleet.models import ApiToken, Service

SCOPES: Final = {
    "ingest:metrics": "send metrics",
    "ingest:logs": "send logs",
    "ingest:audits": "send dependency audits",
    "ingest:deploys": "record deployments",
    "ingest:costs": "send cost charges",
    "query": "read metrics, logs and the fleet through the APIs",
    "admin": "change the fleet through the API",
}
"""Scope word -> what it allows."""

CACHE_SECONDS: Final = 5.0
"""How long a process believes what it last read of a token: a revoked token works at most this much longer."""

_ALPHABET: Final = string.ascii_letters + string.digits
_USED_EVERY_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Principal:
    """The machine behind a request."""

    token_id: int
    name: str
    scopes: frozenset[str]
    service: str | None
    """Name of the service that everything sent with the token belongs to, if it is bound to one."""

    @property
    def actor(self) -> str:
        return f"token:{self.name}"


class UnknownScope(ValueError):
    """A scope that does not exist was asked for."""


def create_token(
    *,
    name: str,
    scopes: Iterable[str],
    actor: str,
    service: Service | None = None,
    expires_at: datetime | None = None,
    simulated: bool = False,
) -> tuple[ApiToken, str]:
    """The new row and its secret text, which cannot be read again. Raises UnknownScope naming the word."""
    wanted = sorted(set(scopes))
    for scope in wanted:
        if scope not in SCOPES:
            raise UnknownScope(f"unknown scope {scope!r}; there are {', '.join(SCOPES)}")
    if not wanted:
        raise UnknownScope(f"a token needs at least one scope of {', '.join(SCOPES)}")
    public_id = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    text = f"bv_{public_id}_{secrets.token_urlsafe(32).replace('_', 'a').replace('-', 'b')}"
    with transaction.atomic():
        token = ApiToken.objects.create(
            public_id=public_id,
            secret_hash=_hash(text),
            name=name,
            scopes=wanted,
            service=service,
            expires_at=expires_at,
            created_by=actor,
            simulated=simulated,
        )
        record(
            actor=actor,
            action="token.created",
            object_type="token",
            object_id=public_id,
            detail={"name": name, "scopes": wanted, "service": service.name if service else None},
        )
    return token, text


def revoke_token(*, token: ApiToken, actor: str) -> None:
    """End a token at once here, and within CACHE_SECONDS in other processes."""
    with transaction.atomic():
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        record(
            actor=actor,
            action="token.revoked",
            object_type="token",
            object_id=token.public_id,
            detail={"name": token.name},
        )
    _cache.forget()


def authenticate(authorization: str | None) -> Principal | None:
    """Whoever the Authorization header (Bearer, or Basic with the token as password) speaks for, or None."""
    text = token_text(authorization)
    if text is None:
        return None
    return _cache.lookup(text)


def token_text(authorization: str | None) -> str | None:
    """The token inside an Authorization header, None if there is nothing that looks like one."""
    scheme, _, rest = (authorization or "").strip().partition(" ")
    match scheme.lower():
        case "bearer" | "token":
            return rest.strip() or None
        case "basic":
            return _basic_password(rest.strip())
    return None


def _basic_password(encoded: str) -> str | None:
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return password or user or None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class _Cache:
    """Recently checked tokens by hash, so that a sender costs a database query every few seconds only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, tuple[float, Principal | None]] = {}

    def lookup(self, text: str) -> Principal | None:
        digest, now = _hash(text), time.monotonic()
        with self._lock:
            entry = self._entries.get(digest)
        if entry and now < entry[0]:
            return entry[1]
        principal = _read(text, digest)
        with self._lock:
            if len(self._entries) > 10_000:
                self._entries.clear()
            self._entries[digest] = (now + CACHE_SECONDS, principal)
        return principal

    def forget(self) -> None:
        with self._lock:
            self._entries.clear()


_cache = _Cache()
forget_cached_tokens = _cache.forget


def _read(text: str, digest: str) -> Principal | None:
    prefix, _, rest = text.partition("_")
    if prefix != "bv":
        return None
    now = timezone.now()
    token = (
        ApiToken.objects.select_related("service")
        .filter(public_id=rest[:8], revoked_at=None)
        .filter(Q(expires_at=None) | Q(expires_at__gt=now))
        .first()
    )
    if token is None or not constant_time_compare(token.secret_hash, digest):
        return None
    _note_use(token, now)
    return Principal(token.pk, token.name, frozenset(token.scopes), token.service.name if token.service else None)


def _note_use(token: ApiToken, now: datetime) -> None:
    if token.last_used_at is None or (now - token.last_used_at).total_seconds() > _USED_EVERY_SECONDS:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
