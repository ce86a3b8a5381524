"""Decides which advisories affect a version of a package; pure.

Rule of OSV: a version is affected if the record lists it or one of its ranges contains it
(https://ossf.github.io/osv-schema/#evaluation). What cannot be compared is undecided, never clean.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from fleet.osv import (
    AffectedRange,
    OsvRecord,
    Severity,
    alias_closures,
    highest_severity,
    preferred_id,
)
from fleet.versions import AnyVersion, has_local, is_comparable, parse_version, public, shown

_COMPARED_RANGES: Final = frozenset({"ECOSYSTEM", "SEMVER"})


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem that affects a version, however many advisories name it."""

    advisory_id: str
    """Preferred identifier; among equals that of an advisory that affects the version."""
    ids: tuple[str, ...]
    """Every identifier of the problem, sorted, `advisory_id` among them."""
    summary: str
    severity: Severity
    fix_versions: tuple[str, ...]
    """Ascending."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Problems of a version, and what could not be decided (sentences). Clean only if both are empty."""

    problems: tuple[Problem, ...] = ()
    undecided: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interval:
    """Versions from `start` (included; None: from the first on) to `end` (None: without end)."""

    start: AnyVersion | None
    end: AnyVersion | None
    end_included: bool = False

    def contains(self, version: AnyVersion) -> bool:
        if self.start is not None and version < self.start:
            return False
        if self.end is None:
            return True
        if self.end_included:
            return bool(version <= self.end or (not has_local(self.end) and public(version) <= self.end))
        return bool(version < self.end)


class Undecidable(ValueError):
    """A version of the record or of the component cannot be put in order."""


@dataclass(frozen=True, slots=True)
class _CompiledRange:
    intervals: tuple[Interval, ...]
    limits: tuple[AnyVersion, ...]
    """The range speaks of versions below any of these only; empty: of all."""

    def contains(self, version: AnyVersion) -> bool:
        if self.limits and not any(version < limit for limit in self.limits):
            return False
        return any(interval.contains(version) for interval in self.intervals)


@dataclass(frozen=True, slots=True)
class _CompiledRecord:
    """One record as far as one package is concerned."""

    record: OsvRecord
    listed_texts: frozenset[str]
    listed: frozenset[AnyVersion]
    ranges: tuple[_CompiledRange, ...]
    doubt: str
    """Why a range of it cannot be evaluated, '' if all can."""
    fixes: tuple[tuple[AnyVersion, str], ...]
    """(version, how it is written) pairs."""

    def affects(self, text: str, version: AnyVersion | None) -> bool:
        """Raises Undecidable where the answer would be no only for want of a comparison."""
        if text in self.listed_texts:
            return True
        if version is not None and self._contains(version):
            return True
        if self.doubt:
            raise Undecidable(self.doubt)
        if version is None and (self.ranges or self.listed):
            raise Undecidable(f"{self.record.osv_id}: version {text!r} cannot be compared")
        return False

    def _contains(self, version: AnyVersion) -> bool:
        return (
            version in self.listed
            or public(version) in self.listed
            or any(each.contains(version) for each in self.ranges)
        )


class PackageAdvisories:
    """All advisories of one package, compiled once and asked for any number of versions."""

    def __init__(self, ecosystem: str, package: str, records: Iterable[OsvRecord]) -> None:
        self.ecosystem, self.package = ecosystem, package
        valid = [record for record in records if record.withdrawn is None]
        self._closures = alias_closures(record.ids for record in valid)
        self._records = [_compile(record, ecosystem, package) for record in valid]
        self._verdicts: dict[str, Verdict] = {}

    @property
    def is_comparable(self) -> bool:
        """Whether versions of the ecosystem can be put in order here."""
        return is_comparable(self.ecosystem)

    def verdict(self, version: str) -> Verdict:
        """What is known of `version` (as text). Remembered."""
        if version not in self._verdicts:
            self._verdicts[version] = self._judge(version.strip())
        return self._verdicts[version]

    def affecting(self, version: str) -> list[OsvRecord]:
        """Records that affect `version`, in the order given; undecided ones are left out."""
        return self._affecting(version.strip())[0]

    def records(self) -> list[OsvRecord]:
        """Every record that was not withdrawn."""
        return [compiled.record for compiled in self._records]

    def closure(self, osv_id: str) -> frozenset[str]:
        """All identifiers of the problem `osv_id`, itself included."""
        return self._closures.get(osv_id, frozenset({osv_id}))

    def _judge(self, version: str) -> Verdict:
        if not self.is_comparable:
            return Verdict(undecided=(unsupported(self.ecosystem),))
        affecting, undecided = self._affecting(version)
        grouped: dict[frozenset[str], list[OsvRecord]] = defaultdict(list)
        for record in affecting:
            grouped[self.closure(record.osv_id)].append(record)
        problems = [self._problem(ids, records) for ids, records in grouped.items()]
        return Verdict(tuple(problems), tuple(undecided))

    def _affecting(self, version: str) -> tuple[list[OsvRecord], list[str]]:
        parsed, found, undecided = parse_version(self.ecosystem, version), [], []
        for compiled in self._records:
            try:
                if compiled.affects(version, parsed):
                    found.append(compiled.record)
            except Undecidable as error:
                undecided.append(str(error))
        return found, undecided

    def _problem(self, ids: Collection[str], records: Sequence[OsvRecord]) -> Problem:
        named = {record.osv_id for record in records}
        chosen = preferred_id(ids, first=named)
        owner = next((record for record in records if record.osv_id == chosen), records[0])
        fixes = {fix for compiled in self._records if compiled.record.osv_id in named for fix in compiled.fixes}
        return Problem(
            advisory_id=chosen,
            ids=tuple(sorted(ids)),
            summary=owner.summary or next((record.summary for record in records if record.summary), ""),
            severity=highest_severity(record.severity for record in records),
            fix_versions=tuple(dict.fromkeys(text for _, text in sorted(fixes, key=lambda fix: fix[0]))),
        )


def unsupported(ecosystem: str) -> str:
    """Why components of `ecosystem` are unknown."""
    return f"versions of {ecosystem or 'an unnamed ecosystem'} packages cannot be compared yet"


def _compile(record: OsvRecord, ecosystem: str, package: str) -> _CompiledRecord:
    entries = [entry for entry in record.affected if (entry.ecosystem, entry.package) == (ecosystem, package)]
    texts = frozenset(text for entry in entries for text in entry.versions)
    ranges, doubts = [], []
    for given in (each for entry in entries for each in entry.ranges if each.type in _COMPARED_RANGES):
        try:
            ranges.append(compile_range(given, ecosystem))
        except Undecidable as error:
            doubts.append(f"{record.osv_id}: {error}")
    return _CompiledRecord(
        record=record,
        listed_texts=texts,
        listed=frozenset(version for text in texts if (version := parse_version(ecosystem, text))),
        ranges=tuple(ranges),
        doubt="; ".join(doubts),
        fixes=_fixes((each for entry in entries for each in entry.ranges), ecosystem),
    )


def _fixes(ranges: Iterable[AffectedRange], ecosystem: str) -> tuple[tuple[AnyVersion, str], ...]:
    return tuple(
        (version, shown(version, event.version))
        for given in ranges
        if given.type in _COMPARED_RANGES
        for event in given.events
        if event.kind == "fixed" and (version := parse_version(ecosystem, event.version)) is not None
    )


def compile_range(given: AffectedRange, ecosystem: str = "PyPI") -> _CompiledRange:
    """The range as intervals. Raises Undecidable naming an event whose version cannot be put in order."""
    at: dict[AnyVersion | None, set[str]] = defaultdict(set)
    for event in given.events:
        if not (event.kind == "limit" and event.version == "*"):
            at[_event_version(event.kind, event.version, ecosystem)].add(event.kind)
    limits = tuple(version for version, kinds in at.items() if "limit" in kinds and version is not None)
    if at and not any("introduced" in kinds for kinds in at.values()):
        at[None].add("introduced")
    return _CompiledRange(tuple(_intervals(at)), limits)


def _event_version(kind: str, text: str, ecosystem: str) -> AnyVersion | None:
    """None stands for the version before all others, which OSV writes as introduced 0."""
    if kind == "introduced" and text == "0":
        return None
    version = parse_version(ecosystem, text)
    if version is None:
        raise Undecidable(f"its {kind} version {text!r} cannot be compared")
    return version


def _intervals(at: dict[AnyVersion | None, set[str]]) -> Iterable[Interval]:
    """Walk the events upwards. Where one version both fixes and introduces, an open interval goes on."""
    is_open, start = False, None
    first = [None] if None in at else []
    for version in [*first, *sorted(version for version in at if version is not None)]:
        kinds = at[version]
        if is_open and "fixed" in kinds and "introduced" not in kinds:
            yield Interval(start, version)
            is_open = False
        elif not is_open and "introduced" in kinds and "fixed" not in kinds:
            is_open, start = True, version
        if is_open and "last_affected" in kinds:
            yield Interval(start, version, end_included=True)
            is_open = False
    if is_open:
        yield Interval(start, None)
