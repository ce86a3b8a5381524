"""Collects static files when they changed, and only then, so that a start does not wait for them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

UNUSED: Final = ("ninja", "django_htmx")
"""Folders of other packages that no page of ours asks for: 18 MB."""

STAMP: Final = ".collected"
"""File in the static root that holds the fingerprint of what was collected."""


def collect_if_changed() -> bool:
    """True if there was something to collect. A collection that was interrupted is done again."""
    root = Path(settings.STATIC_ROOT)
    fingerprint = _fingerprint()
    stamp = root / STAMP
    if stamp.exists() and stamp.read_text() == fingerprint:
        return False
    stamp.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0, clear=root.exists(), ignore_patterns=[*UNUSED])
    stamp.write_text(fingerprint)
    return True


def _fingerprint() -> str:
    """Changes with the name or the content of any source file, and with the way they are stored."""
    digest = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for path, file in sorted(_sources()):
        digest.update(f"{path}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _sources() -> Iterator[tuple[str, Path]]:
    for finder in get_finders():
        for path, storage in finder.list([*UNUSED]):
            yield path, Path(storage.path(path))
