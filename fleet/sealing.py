"""Secrets at rest: encrypted with keys derived from the signing key, so that a copy of the database alone opens none.

Rotation: put the old signing key into BELVEDERE_SECRET_KEY_FALLBACKS; what was sealed with it still opens, and is
sealed with the new key the next time it is written.
"""

import base64
import functools

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class CannotUnseal(ValueError):
    """The text was sealed with a key that is no longer known, for another purpose, too long ago, or was changed."""


def seal(content: bytes, purpose: str) -> str:
    """`content` encrypted and authenticated (AES-128-CBC, HMAC-SHA256); `unseal` with the same purpose opens it."""
    return _box(purpose).encrypt(content).decode()


def unseal(sealed: str, purpose: str, max_age_seconds: int | None = None) -> bytes:
    """The content behind `sealed`. Raises CannotUnseal, also when it is older than `max_age_seconds`."""
    try:
        return _box(purpose).decrypt(sealed.encode(), ttl=max_age_seconds)
    except InvalidToken as error:
        raise CannotUnseal(f"a secret sealed for {purpose!r} cannot be opened with the current signing key") from error


def _box(purpose: str) -> MultiFernet:
    return MultiFernet(
        [Fernet(_derived(key, purpose)) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    )


@functools.lru_cache(maxsize=64)
def _derived(key: str, purpose: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=b"belvedere.sealing.v1", info=purpose.encode())
    return base64.urlsafe_b64encode(derivation.derive(key.encode()))
