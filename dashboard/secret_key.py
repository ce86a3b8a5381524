"""The signing key: from the environment, else made once and kept in the data directory."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def load_secret_key(from_environment: str, file: Path) -> str:
    """The key of the environment if given, else that of `file`, which is made on first use (mode 0600).

    Safe against two processes starting at once: the file appears with its content or not at all.
    """
    if from_environment:
        return from_environment
    try:
        return _read(file)
    except FileNotFoundError:
        return _create(file)


def _read(file: Path) -> str:
    key = file.read_text().strip()
    if len(key) < 50:
        raise ImproperlyConfigured(f"{file} holds {len(key)} characters; a signing key has at least 50")
    return key


def _create(file: Path) -> str:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(secrets.token_urlsafe(64))
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(draft, file)
    except FileExistsError:
        pass  # another process was first; its key counts
    finally:
        draft.unlink()
    return _read(file)
