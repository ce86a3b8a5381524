"""Time-based codes (RFC 6238: SHA-1, 30 s, six digits), as authenticator apps make them."""

import base64
import hmac
import secrets
from typing import Final
from urllib.parse import quote, urlencode

from django_otp.oath import hotp

STEP_SECONDS: Final = 30
DIGITS: Final = 6
TOLERANCE_STEPS: Final = 1
"""A code is accepted one step early and one step late too, for clocks that differ and people who type: each code is
valid for 90 s at most, and once."""

ISSUER: Final = "Belvedere"


def new_key() -> bytes:
    """A 160-bit key, the length that RFC 4226 recommends."""
    return secrets.token_bytes(20)


def step_at(seconds: float) -> int:
    """Number of the time step that holds this Unix time."""
    return int(seconds // STEP_SECONDS)


def code_of_step(key: bytes, step: int) -> str:
    """The six digits of a time step."""
    return f"{hotp(key, step, DIGITS):0{DIGITS}d}"


def matching_step(key: bytes, code: str, seconds: float) -> int | None:
    """The time step around `seconds` whose code is `code`, or None. Takes the same time whichever step matches."""
    now, found = step_at(seconds), None
    for step in range(now - TOLERANCE_STEPS, now + TOLERANCE_STEPS + 1):
        if hmac.compare_digest(code_of_step(key, step).encode(), code.encode()):
            found = step
    return found


def base32_key(key: bytes) -> str:
    """The key as people type it into an app."""
    return base64.b32encode(key).decode().rstrip("=")


def provisioning_uri(key: bytes, username: str) -> str:
    """The address behind the QR code (https://github.com/google/google-authenticator/wiki/Key-Uri-Format)."""
    label = f"{ISSUER}:{username}"
    query = {"secret": base32_key(key), "issuer": ISSUER, "digits": DIGITS, "period": STEP_SECONDS}
    return f"otpauth://totp/{quote(label)}?{urlencode(query, quote_via=quote)}"
