"""Reads lock files: poetry.lock, uv.lock, pylock.toml, Pipfile.lock, package-lock.json; pure.

Sources: https://packaging.python.org/en/latest/specifications/pylock-toml/,
the npm documentation, "package-lock.json"
"""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from collectors.wire.inventory.requirements import pinned_row
from collectors.wire.inventory.rows import an_object, objects, plain_row, text
from fleet.inventory import InvalidReport, ReportedComponent
from fleet.osv import normalised_name

MAX_TOML_BYTES: Final = 16 * 1024**2
_LOCAL: Final = ("editable", "virtual", "directory", "path", "git", "vcs", "url", "archive")
_POETRY_LOCAL: Final = ("git", "directory", "file", "url")
_MODULES: Final = "node_modules/"


def read_toml_lock(content: str) -> tuple[str, list[ReportedComponent]]:
    """(format, one row a package) of poetry.lock, uv.lock or pylock.toml, told apart by what they hold."""
    if len(content) > MAX_TOML_BYTES:
        raise InvalidReport(f"the lock file has {len(content):,} characters; the limit is {MAX_TOML_BYTES:,}")
    try:
        document = tomllib.loads(content)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidReport(f"the file is broken TOML: {str(error)[:200]}") from error
    if "packages" in document and "lock-version" in document:
        return "pylock", [
            _locked(each, f"packages[{at}].") for at, each in enumerate(objects(document, "packages", ""))
        ]
    if "package" not in document:
        raise InvalidReport("the TOML file is no lock file: it has neither [[package]] nor [[packages]]")
    rows = [_locked(each, f"package[{at}].") for at, each in enumerate(objects(document, "package", ""))]
    is_poetry = "lock-version" in an_object(document.get("metadata"), "metadata")
    return "poetry" if is_poetry else "uv", rows


def _locked(given: Mapping[str, Any], where: str) -> ReportedComponent:
    name = normalised_name("PyPI", text(given, "name", where))
    if not name:
        raise InvalidReport(f"{where}name is missing")
    return plain_row("PyPI", name, text(given, "version", where), skip_reason=_not_from_index(given, where))


def _not_from_index(given: Mapping[str, Any], where: str) -> str:
    source = an_object(given.get("source"), f"{where}source")
    kind = source.get("type") if source.get("type") in _POETRY_LOCAL else None
    kind = kind or next((word for word in _LOCAL if word in source or word in given), None)
    return f"it does not come from an index ({kind})" if kind else ""


def read_pipfile_lock(document: Mapping[str, Any]) -> list[ReportedComponent]:
    """One row an entry of `default` and `develop`."""
    return [
        _piped(name, an_object(entry, name), f"{group}[{name[:80]!r}].")
        for group in ("default", "develop")
        for name, entry in an_object(document.get(group), group).items()
    ]


def _piped(name: str, entry: Mapping[str, Any], where: str) -> ReportedComponent:
    normal = normalised_name("PyPI", name)
    if kind := next((word for word in ("editable", "git", "path", "file", "hg", "svn") if entry.get(word)), None):
        return plain_row("PyPI", normal, "", skip_reason=f"it does not come from an index ({kind})")
    return pinned_row(normal, text(entry, "version", where), text(entry, "markers", where))


def read_package_lock(document: Mapping[str, Any]) -> list[ReportedComponent]:
    """One row an installed package; the project itself is none, links into it are unknown."""
    if "packages" in document:
        packages = an_object(document.get("packages"), "packages")
        return [_installed(path, an_object(each, path)) for path, each in packages.items() if path]
    return list(_nested(an_object(document.get("dependencies"), "dependencies")))


def _installed(path: str, entry: Mapping[str, Any]) -> ReportedComponent:
    where = f"packages[{path[:80]!r}]."
    name = text(entry, "name", where) or path.rpartition(_MODULES)[2]
    is_inside = entry.get("link") is True or _MODULES not in path
    reason = "it is a folder of the project itself" if is_inside else _resolved_elsewhere(entry, where)
    return plain_row("npm", name, text(entry, "version", where), skip_reason=reason)


def _nested(dependencies: Mapping[str, Any]) -> Iterator[ReportedComponent]:
    """Rows of lockfileVersion 1, where packages stand inside the one that needs them."""
    waiting = [dependencies]
    while waiting:
        for name, given in waiting.pop().items():
            entry = an_object(given, name)
            where = f"dependencies[{name[:80]!r}]."
            reason = _resolved_elsewhere(entry, where)
            yield plain_row("npm", name, text(entry, "version", where), skip_reason=reason)
            waiting.append(an_object(entry.get("dependencies"), where))


def _resolved_elsewhere(entry: Mapping[str, Any], where: str) -> str:
    """Packages of Git and of files are not what the index calls by that name."""
    places = (text(entry, "resolved", where), text(entry, "version", where))
    found = next((place for place in places if place.startswith(("git", "file:", "github:"))), "")
    return f"it does not come from an index ({found.partition(':')[0]})" if found else ""
