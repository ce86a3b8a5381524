"""Recovery codes as text: 120 random bits in base32, shown in groups, read without regard to case and dashes."""

import base64
import hashlib
import secrets
from typing import Final

CODES: Final = 10
_BYTES: Final = 15
_GROUP: Final = 6


def new_code() -> str:
    """A code such as `k5jq3n-...`: four groups of six characters."""
    word = base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower()
    return "-".join(word[start : start + _GROUP] for start in range(0, len(word), _GROUP))


def code_hash(code: str) -> str:
    """What is stored. A plain hash is enough for 112 bits or more (OWASP ASVS 5.0, 6.5.2): nothing can be guessed."""
    word = "".join(character for character in code.lower() if character.isalnum())
    return hashlib.sha256(word.encode()).hexdigest()
