"""Puts versions of packages in order, as their ecosystem does; pure.

A text that is no proper version of its ecosystem is refused rather than guessed at: its component is unknown.
Sources: PEP 440, https://semver.org/#spec-item-11, and `univers` for the others.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from packaging.version import InvalidVersion as InvalidPep440
from packaging.version import Version as Pep440
from univers.versions import (
    DebianVersion,
    InvalidVersion,
    MavenVersion,
    NugetVersion,
    RpmVersion,
    RubygemsVersion,
)

AnyVersion = Any
"""A version of one ecosystem: hashable, and in order with versions of the same ecosystem only."""

_SEMVER: Final = re.compile(
    r"v?(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,18})"
    r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
)
_MAX_TEXT: Final = 200


def semver(text: str) -> AnyVersion | None:
    """A key in the order of Semantic Versioning 2.0.0; builds do not count. None if `text` is no such version."""
    match = _SEMVER.fullmatch(text)
    if match is None:
        return None
    major, minor, patch, before = match.groups()
    return int(major), int(minor), int(patch), before is None, _identifiers(before or "")


def _identifiers(before: str) -> tuple[tuple[bool, int, str], ...]:
    """Numbers come before words and are compared as numbers."""
    parts = before.split(".") if before else []
    return tuple((not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts)


def pep440(text: str) -> Pep440 | None:
    """A version of PyPI."""
    try:
        return Pep440(text)
    except InvalidPep440:
        return None


def _of_univers(kind: Any, pattern: str) -> Callable[[str], AnyVersion | None]:
    """`kind` for texts of the form `pattern`; univers itself takes nearly everything for a version."""
    form = re.compile(pattern)

    def parse(text: str) -> AnyVersion | None:
        if not form.fullmatch(text):
            return None
        try:
            return kind(text)
        except (InvalidVersion, ValueError, TypeError, AttributeError):
            return None

    return parse


_DPKG: Final = _of_univers(DebianVersion, r"(?:\d+:)?\d[A-Za-z0-9.+~-]*")
_RPM: Final = _of_univers(RpmVersion, r"(?:\d+:)?[A-Za-z0-9][A-Za-z0-9._+~^-]*")

_SCHEMES: Final[dict[str, Callable[[str], AnyVersion | None]]] = {
    "PyPI": pep440,
    "npm": semver,
    "Go": semver,
    "crates.io": semver,
    "Hex": semver,
    "Pub": semver,
    "SwiftURL": semver,
    "Packagist": semver,
    "Maven": _of_univers(MavenVersion, r"\d[A-Za-z0-9._-]*"),
    "RubyGems": _of_univers(RubygemsVersion, r"\d+(?:\.[0-9A-Za-z]+)*"),
    "NuGet": _of_univers(NugetVersion, r"\d+(?:\.\d+){0,3}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"),
    "Debian": _DPKG,
    "Ubuntu": _DPKG,
    "Red Hat": _RPM,
    "Rocky Linux": _RPM,
    "AlmaLinux": _RPM,
    "openSUSE": _RPM,
    "SUSE": _RPM,
}


def is_comparable(ecosystem: str) -> bool:
    """Whether versions of `ecosystem` can be put in order here; a release behind a colon does not matter."""
    return ecosystem.partition(":")[0] in _SCHEMES


@lru_cache(maxsize=200_000)
def parse_version(ecosystem: str, text: str) -> AnyVersion | None:
    """The version `text` of a package of `ecosystem`, None if it is none or cannot be put in order."""
    scheme = _SCHEMES.get(ecosystem.partition(":")[0])
    return scheme(text) if scheme and len(text) <= _MAX_TEXT else None


def public(version: AnyVersion) -> AnyVersion:
    """`version` without the local part that PyPI allows: 1.13.0+cpu is a build of 1.13.0."""
    return version.__replace__(local=None) if isinstance(version, Pep440) and version.local else version


def has_local(version: AnyVersion) -> bool:
    """Whether it has such a part."""
    return isinstance(version, Pep440) and version.local is not None


def shown(version: AnyVersion, text: str) -> str:
    """How it is written for people: normalised for PyPI, as the record has it elsewhere."""
    return str(version) if isinstance(version, Pep440) else text
