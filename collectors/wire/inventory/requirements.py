"""Reads requirements files of pip; pure. Source: https://pip.pypa.io/en/stable/reference/requirements-file-format/

A requirement in, a row out. Only `name==version` says what runs; all else is unknown with its reason. Options that
name no package (indexes and the like) are no rows, files that would have to be read beside it are.
"""

import re
from collections.abc import Iterator
from typing import Final

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement

from collectors.wire.inventory.rows import plain_row
from fleet.inventory import InvalidReport, ReportedComponent, component
from fleet.osv import normalised_name

MAX_LINE: Final = 20_000
_COMMENT: Final = re.compile(r"(^|\s+)#.*$")
_HASHES: Final = re.compile(r"\s--(hash|config-settings?|global-option)\b.*$")
_OTHER_FILE: Final = re.compile(r"(?:-r|--requirement|-c|--constraint)[\s=]*(.+)")
_EDITABLE: Final = re.compile(r"(?:-e|--editable)[\s=]+(.+)")
_LINK: Final = re.compile(r"(?:[a-z+]+://|file:|\.{0,2}/|[A-Za-z]:\\).*|[^@\s]*\.(?:whl|zip|tar\.gz)$")
_EGG: Final = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_PYTHONS: Final = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
_LINUX: Final = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}


def read_requirements(content: str) -> list[ReportedComponent]:
    """One row a requirement. Raises InvalidReport if no line is one, so that no other text is taken for one."""
    rows = [row for number, line in _lines(content) if (row := _row(line, number)) is not None]
    if rows and all(row.skip_reason.startswith(_NONSENSE) for row in rows):
        raise InvalidReport(
            "no line is a requirement; expected a requirements file, a lock file or one of the JSON formats"
        )
    return rows


def _lines(content: str) -> Iterator[tuple[int, str]]:
    """(number, logical line) without comments; a backslash continues a line."""
    joined, start = "", 0
    for number, raw in enumerate(content.splitlines(), start=1):
        start = start if joined else number
        if raw.endswith("\\") and not raw.lstrip().startswith("#"):
            joined += raw[:-1]
            continue
        yield start, _COMMENT.sub("", joined + raw).strip() if len(joined + raw) <= MAX_LINE else joined + raw
        joined = ""
    if joined:
        yield start, joined.strip()


_NONSENSE: Final = "no requirement: "


def _row(line: str, number: int) -> ReportedComponent | None:
    if not line:
        return None
    if len(line) > MAX_LINE:
        return _unknown(f"line {number}", f"the line has {len(line)} characters; the limit is {MAX_LINE}")
    if match := _OTHER_FILE.fullmatch(line):
        return _unknown(line, f"line {number} refers to the file {match[1][:200]!r}, which was not sent along")
    if match := _EDITABLE.fullmatch(line):
        return _unknown(_egg(match[1]), "it is installed for editing, from source that no advisory names")
    if line.startswith("-"):
        return None
    if _LINK.fullmatch(line):
        return _unknown(_egg(line), "it is installed from a file or an address, not from the index")
    return _required(_HASHES.sub("", line).strip(), number)


def _egg(link: str) -> str:
    found = _EGG.search(link)
    return found[1] if found else link


def _required(line: str, number: int) -> ReportedComponent:
    try:
        requirement = Requirement(line)
    except InvalidRequirement as error:
        return _unknown(line, f"{_NONSENSE}line {number}: {str(error).splitlines()[0]}")
    name = normalised_name("PyPI", requirement.name)
    if requirement.url:
        return _unknown(name, "it is installed from an address, not from the index")
    return pinned_row(name, str(requirement.specifier), str(requirement.marker or ""))


def pinned_row(name: str, specifier: str, marker: str = "") -> ReportedComponent:
    """The row of a package of PyPI by its specifier; only one exact version says what runs."""
    version = specifier.removeprefix("===").removeprefix("==").strip()
    is_pin = specifier.startswith("==") and "," not in specifier and "*" not in specifier
    if not is_pin:
        wanted = f"{specifier!r} allows several versions" if specifier else "no version is named"
        return plain_row("PyPI", name, "", skip_reason=f"it is not pinned: {wanted}")
    return plain_row("PyPI", name, version, skip_reason=_elsewhere(marker))


def _elsewhere(marker: str) -> str:
    """Why a requirement is not installed on Linux with any Python, '' if it may be."""
    if not marker:
        return ""
    try:
        parsed = Marker(marker)
        holds = any(parsed.evaluate({**_LINUX, **_python(version), "extra": ""}) for version in _PYTHONS)
    except (InvalidRequirement, UndefinedComparison, UndefinedEnvironmentName, ValueError):
        holds = True
    return "" if holds else f"its marker is for other platforms: {marker[:200]}"


def _python(version: str) -> dict[str, str]:
    return {
        "python_version": version,
        "python_full_version": f"{version}.99",
        "implementation_version": f"{version}.99",
    }


def _unknown(name: str, reason: str) -> ReportedComponent:
    return component("PyPI", name[:300], "", skip_reason=reason)
