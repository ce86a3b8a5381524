"""Reads advisories in OSV form and says which identifiers name the same problem; pure.

Source: https://ossf.github.io/osv-schema/ (schema 1.x).
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from cvss import CVSS2, CVSS3, CVSS4
from cvss.exceptions import CVSSError
from packaging.utils import canonicalize_name

MAX_ID: Final = 100
MAX_PACKAGE: Final = 300
MAX_ECOSYSTEM: Final = 50
MAX_VECTOR: Final = 300
MAX_ALIASES: Final = 1_000
MAX_DEPTH: Final = 64
EVENT_KINDS: Final = ("introduced", "fixed", "last_affected", "limit")

_FIRST_YEAR: Final = 1970
_SUMMARY_LENGTH: Final = 500
_CVSS: Final = {"CVSS_V2": CVSS2, "CVSS_V3": CVSS3, "CVSS_V4": CVSS4}
_ID_RANKS: Final = ("PYSEC-", "CVE-")
_NUMBER: Final = re.compile(r"\d+")


class InvalidRecord(ValueError):
    """A document is no usable OSV record; the message says which part is not."""


@dataclass(frozen=True, slots=True)
class Severity:
    """CVSS base score (0 to 10) and the vector it was computed from; None and '' when nothing is published."""

    score: float | None = None
    vector: str = ""


NO_SEVERITY: Final = Severity()


@dataclass(frozen=True, slots=True)
class RangeEvent:
    """One event of a range; `kind` is one of EVENT_KINDS."""

    kind: str
    version: str


@dataclass(frozen=True, slots=True)
class AffectedRange:
    """A range of affected versions; `type` is ECOSYSTEM, SEMVER or GIT."""

    type: str
    events: tuple[RangeEvent, ...]


@dataclass(frozen=True, slots=True)
class AffectedEntry:
    """What a record says of one package; `package` is normalised as its ecosystem prescribes."""

    ecosystem: str
    package: str
    versions: tuple[str, ...]
    ranges: tuple[AffectedRange, ...]


@dataclass(frozen=True, slots=True)
class OsvRecord:
    """One advisory."""

    osv_id: str
    aliases: tuple[str, ...]
    summary: str
    """One line: the published summary, else the first paragraph of the details."""
    severity: Severity
    published: datetime | None
    modified: datetime | None
    withdrawn: datetime | None
    affected: tuple[AffectedEntry, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """Its own identifier and its aliases."""
        return (self.osv_id, *self.aliases)

    @property
    def packages(self) -> set[tuple[str, str]]:
        """(ecosystem, package) pairs it names."""
        return {(entry.ecosystem, entry.package) for entry in self.affected}


def read_record(document: Any) -> OsvRecord:
    """The parts of `document` that matching needs. Raises InvalidRecord."""
    if not isinstance(document, Mapping):
        raise InvalidRecord("the record is not a JSON object")
    _check_depth(document)
    osv_id = _text(document, "id", MAX_ID)
    if not osv_id:
        raise InvalidRecord("the record has no id")
    return OsvRecord(
        osv_id=osv_id,
        aliases=_aliases(document),
        summary=_summary(document),
        severity=_severity(document),
        published=_moment(document, "published"),
        modified=_moment(document, "modified"),
        withdrawn=_moment(document, "withdrawn"),
        affected=tuple(_affected(entry) for entry in _objects(document, "affected") if entry.get("package")),
    )


def normalised_name(ecosystem: str, name: str) -> str:
    """`name` in the spelling that its ecosystem treats as the same: PEP 503 for PyPI, unchanged elsewhere."""
    return str(canonicalize_name(name.strip())) if ecosystem == "PyPI" else name.strip()


def _check_depth(document: Any) -> None:
    level, depth = [document], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise InvalidRecord(f"the record is nested deeper than {MAX_DEPTH} levels")
        level = [child for value in level for child in _children(value)]


def _children(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [child for child in inner if isinstance(child, (dict, list))]


def _text(document: Mapping[str, Any], name: str, limit: int) -> str:
    value = document.get(name, "")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidRecord(f"{name} is not text")
    if len(value) > limit:
        raise InvalidRecord(f"{name} has {len(value)} characters; the limit is {limit}")
    return value.strip()


def _objects(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    values = document.get(name) or []
    if not isinstance(values, list) or not all(isinstance(value, Mapping) for value in values):
        raise InvalidRecord(f"{name} is not a list of objects")
    return values


def _strings(document: Mapping[str, Any], name: str) -> list[str]:
    values = document.get(name) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InvalidRecord(f"{name} is not a list of texts")
    return values


def _aliases(document: Mapping[str, Any]) -> tuple[str, ...]:
    aliases = sorted({alias.strip() for alias in _strings(document, "aliases")} - {"", document["id"]})
    if len(aliases) > MAX_ALIASES or any(len(alias) > MAX_ID for alias in aliases):
        raise InvalidRecord(f"aliases are over the limit of {MAX_ALIASES} of at most {MAX_ID} characters")
    return tuple(aliases)


def _summary(document: Mapping[str, Any]) -> str:
    given = _text(document, "summary", 100_000) or _text(document, "details", 10_000_000).partition("\n\n")[0]
    line = " ".join(given.split())
    return line if len(line) <= _SUMMARY_LENGTH else line[: _SUMMARY_LENGTH - 1] + "…"


def _moment(document: Mapping[str, Any], name: str) -> datetime | None:
    """The time, None if it is absent, nonsense or a zero value of some language.

    Real feeds hold such; to refuse the record for it would hide the advisory.
    """
    try:
        moment = datetime.fromisoformat(_text(document, name, 100))
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return moment if moment.year >= _FIRST_YEAR else None


def _affected(entry: Mapping[str, Any]) -> AffectedEntry:
    package = entry["package"]
    if not isinstance(package, Mapping):
        raise InvalidRecord("affected.package is not an object")
    ecosystem = _text(package, "ecosystem", MAX_ECOSYSTEM)
    return AffectedEntry(
        ecosystem=ecosystem,
        package=normalised_name(ecosystem, _text(package, "name", MAX_PACKAGE)),
        versions=tuple(_strings(entry, "versions")),
        ranges=tuple(AffectedRange(_text(each, "type", 100), _events(each)) for each in _objects(entry, "ranges")),
    )


def _events(given: Mapping[str, Any]) -> tuple[RangeEvent, ...]:
    return tuple(
        RangeEvent(kind, _text(event, kind, 1_000))
        for event in _objects(given, "events")
        for kind in EVENT_KINDS
        if kind in event
    )


def _severity(document: Mapping[str, Any]) -> Severity:
    """Score of the newest CVSS version among the record's own vectors, else among those of its packages."""
    own = _objects(document, "severity")
    given = own or [each for entry in _objects(document, "affected") for each in _objects(entry, "severity")]
    for kind in sorted(_CVSS, reverse=True):
        vectors = (str(each.get("score", "")).strip() for each in given if each.get("type") == kind)
        scored = [severity for vector in vectors if (severity := score_vector(kind, vector)).score is not None]
        if scored:
            return max(scored, key=lambda severity: severity.score or 0)
    return NO_SEVERITY


@lru_cache(maxsize=20_000)
def score_vector(kind: str, vector: str) -> Severity:
    """Base score of a CVSS vector; `kind` is CVSS_V2, CVSS_V3 or CVSS_V4. Empty if it does not parse."""
    if len(vector) > MAX_VECTOR:
        return NO_SEVERITY
    try:
        return Severity(float(_CVSS[kind](vector).base_score), vector)
    except (CVSSError, KeyError, ValueError):
        return NO_SEVERITY


def highest_severity(severities: Iterable[Severity]) -> Severity:
    """The one with the highest score; empty if none has a score."""
    scored = [severity for severity in severities if severity.score is not None]
    return max(scored, key=lambda severity: severity.score or 0, default=NO_SEVERITY)


def alias_closures(groups: Iterable[Collection[str]]) -> dict[str, frozenset[str]]:
    """Identifier -> all identifiers of the same problem, where the members of each group name one problem.

    Groups that share a member are one; found by union-find, so that chains of any length close.
    """
    parents: dict[str, str] = {}

    def root(name: str) -> str:
        while (parent := parents.setdefault(name, name)) != name:
            parents[name] = name = parents[parent]
        return name

    for group in groups:
        first, *others = group
        for other in others:
            parents[root(other)] = root(first)
        root(first)
    members: dict[str, set[str]] = {}
    for name in list(parents):
        members.setdefault(root(name), set()).add(name)
    closed = {head: frozenset(names) for head, names in members.items()}
    return {name: closed[root(name)] for name in parents}


def preferred_id(ids: Iterable[str], *, first: Collection[str] = ()) -> str:
    """The identifier shown for a problem: PYSEC before CVE before others (as pip-audit prefers).

    Among equals, those of `first` come first, then the oldest.
    """

    def key(name: str) -> tuple[int, bool, list[int], str]:
        rank = next((rank for rank, prefix in enumerate(_ID_RANKS) if name.startswith(prefix)), len(_ID_RANKS))
        return rank, name not in first, [int(number) for number in _NUMBER.findall(name)[:4]], name

    return min(ids, key=key)
