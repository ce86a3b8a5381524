"""The life of findings: opened when observed, fixed when gone, reopened when back."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat

from fleet.matching import PackageAdvisories, unsupported
from fleet.models import Component, Finding
from fleet.observations import Claim, Observation, mirror_claims, observe
from fleet.selectors.dependencies import Package

PRESENT_STATES: Final = tuple(state for state in Finding.State if state != Finding.State.FIXED)
"""States of findings whose problem is there, whatever was decided about it."""

NO_LONGER_NAMED: Final = "no longer named: the same version runs, but no advisory or scanner names it any more"
"""Reason of a finding that nobody fixed, though it is closed."""

UNDECIDED: Final = "undecided: "
"""Start of a skip reason that comes from our own matching and not from a report."""

_BATCH_ROWS: Final = 500
_CONTENT_FIELDS: Final = (
    "version", "advisory_id", "aliases", "summary", "fix_versions", "severity_score", "severity_vector", "reported_by",
)  # fmt: skip
_LIFE_FIELDS: Final = (
    "state", "last_seen_at", "fixed_at", "reopened_at", "introduced_by", "fixed_by", "fixed_version", "reason",
)  # fmt: skip
_MOST_PRESSING: Final = (
    Finding.State.OPEN, Finding.State.UNDER_INVESTIGATION, Finding.State.ACCEPTED, Finding.State.NOT_AFFECTED,
    Finding.State.FALSE_POSITIVE, Finding.State.FIXED,
)  # fmt: skip
_GONE_IS_FIXED: Final = (Finding.State.OPEN, Finding.State.UNDER_INVESTIGATION, Finding.State.ACCEPTED)


@dataclass(slots=True)
class Changes:
    """What one look did to findings."""

    opened: int = 0
    fixed: int = 0
    reopened: int = 0
    _create: list[Finding] = field(default_factory=list)
    _update: list[Finding] = field(default_factory=list)
    _rename: list[int] = field(default_factory=list)
    _merged: list[Finding] = field(default_factory=list)

    @property
    def new(self) -> Sequence[Finding]:
        """Findings that were opened, not stored yet."""
        return self._create

    @property
    def merged(self) -> Collection[Finding]:
        """Findings that turned out to be another one under another name."""
        return self._merged

    def create(self, finding: Finding) -> None:
        self.opened += 1
        self._create.append(finding)

    def update(self, finding: Finding, *, renamed: bool = False) -> None:
        self._update.append(finding)
        if renamed:
            self._rename.append(finding.pk)

    def merge_away(self, finding: Finding) -> None:
        self._merged.append(finding)

    def save(self) -> None:
        """Write everything; inside the caller's transaction."""
        Finding.objects.filter(pk__in=[finding.pk for finding in self._merged]).delete()
        # Two findings may swap names: park them first, since a name is unique at every moment.
        parked = Concat(Value("~"), Cast(F("pk"), CharField()))
        Finding.objects.filter(pk__in=self._rename).update(advisory_id=parked)
        Finding.objects.bulk_update(self._update, [*_CONTENT_FIELDS, *_LIFE_FIELDS], batch_size=_BATCH_ROWS)
        Finding.objects.bulk_create(self._create, batch_size=_BATCH_ROWS)


@dataclass(frozen=True, slots=True)
class Inventory:
    """What runs as a service in an environment, as its newest report says (or a part of it)."""

    service_id: int
    environment_id: int
    components: Sequence[Component]
    claims: Mapping[Package, Sequence[Claim]]
    """What scanners said, by package."""
    is_fresh: bool
    """Whether a report has just arrived, so that what is observed was seen now."""
    deployment_id: int | None = None
    """What was deployed when the report was made, if that is known."""
    mirrored: Collection[str] | None = None
    """Ecosystems of which advisories are loaded; None where that is not asked."""

    @property
    def packages(self) -> set[Package]:
        return {(component.ecosystem, component.name) for component in self.components}

    def versions_of(self, package: Package) -> str:
        """Versions of `package` that run, joined by ", "; empty if none does."""
        found = {each.version for each in self.components if (each.ecosystem, each.name) == package}
        return ", ".join(sorted(found))[:200]


def settle(
    inventory: Inventory,
    advisories: Mapping[Package, PackageAdvisories],
    existing: Iterable[Finding],
    changes: Changes,
    now: datetime,
) -> list[Component]:
    """Meet `existing` findings with what is observed now; the outcome goes into `changes`.

    Sets `skip_reason` of components whose matching is undecided, and returns those it changed. A package that is
    unknown in any of its components keeps its findings: "could not look" is not "gone".
    """
    changed = [component for component in inventory.components if _mark_undecided(component, advisories, inventory)]
    unknown = {(each.ecosystem, each.name) for each in inventory.components if each.skip_reason}
    claims: dict[Package, list[Claim]] = defaultdict(list)
    for package, given in inventory.claims.items():
        claims[package] += given
    for component in inventory.components:
        package = (component.ecosystem, component.name)
        claims[package] += mirror_claims(component.version, advisories[package].verdict(component.version))
    remaining: dict[Package, list[Finding]] = defaultdict(list)
    for finding in existing:
        remaining[finding.ecosystem, finding.package].append(finding)
    for package, given in claims.items():
        for observation in observe(advisories[package], given):
            remaining[package] = _meet(observation, package, remaining[package], inventory, changes, now)
    _close(remaining, unknown, inventory, changes, now)
    return changed


def _mark_undecided(
    component: Component, advisories: Mapping[Package, PackageAdvisories], inventory: Inventory
) -> bool:
    """Whether the skip reason of `component` is another than before. A reason that the report gave stays."""
    if component.skip_reason and not component.skip_reason.startswith(UNDECIDED):
        return False
    reason = _doubt(component, advisories[component.ecosystem, component.name], inventory.mirrored)
    before, component.skip_reason = component.skip_reason, (UNDECIDED + reason)[:500] if reason else ""
    return before != component.skip_reason


def _doubt(component: Component, advisories: PackageAdvisories, mirrored: Collection[str] | None) -> str:
    """Why our own matching says nothing of `component`, '' if it does, or if a scanner looked instead."""
    if not advisories.is_comparable:
        return "" if component.report.audited else unsupported(component.ecosystem)
    if mirrored is not None and component.ecosystem not in mirrored and not component.report.audited:
        return f"no advisories of {component.ecosystem} are loaded"
    return "; ".join(advisories.verdict(component.version).undecided)


def _meet(
    observation: Observation,
    package: Package,
    candidates: Sequence[Finding],
    inventory: Inventory,
    changes: Changes,
    now: datetime,
) -> list[Finding]:
    """Open or continue the finding of `observation`; returns the candidates that are about something else."""
    names = set(observation.aliases)
    same = [finding for finding in candidates if names & {finding.advisory_id, *finding.aliases}]
    if same:
        _continue(same, observation, inventory, changes, now)
    else:
        changes.create(_new_finding(observation, package, inventory, now))
    return [finding for finding in candidates if finding not in same]


def _new_finding(observation: Observation, package: Package, inventory: Inventory, now: datetime) -> Finding:
    finding = Finding(
        service_id=inventory.service_id,
        environment_id=inventory.environment_id,
        ecosystem=package[0],
        package=package[1],
        first_seen_at=now,
        last_seen_at=now,
        introduced_by_id=inventory.deployment_id,
    )
    _describe(finding, observation)
    return finding


def _describe(finding: Finding, observation: Observation) -> bool:
    """Copy the content of `observation`; whether anything was different."""
    content = {
        "version": observation.version,
        "advisory_id": observation.advisory_id,
        "aliases": observation.aliases,
        "summary": observation.summary,
        "fix_versions": observation.fix_versions,
        "severity_score": observation.severity.score,
        "severity_vector": observation.severity.vector,
        "reported_by": observation.reported_by,
    }
    different = any(getattr(finding, name) != value for name, value in content.items())
    for name, value in content.items():
        setattr(finding, name, value)
    return different


def _continue(
    same: Sequence[Finding], observation: Observation, inventory: Inventory, changes: Changes, now: datetime
) -> None:
    """The oldest of `same` goes on; the others turned out to be the same problem under another name."""
    kept, *others = sorted(same, key=lambda finding: (finding.first_seen_at, finding.pk))
    for other in others:
        changes.merge_away(other)
    former_name, former_state = kept.advisory_id, kept.state
    kept.state = min((finding.state for finding in same), key=_MOST_PRESSING.index)
    if kept.state == Finding.State.FIXED:
        kept.state, kept.fixed_at, kept.reopened_at = Finding.State.OPEN, None, now
        kept.fixed_by_id, kept.fixed_version, kept.introduced_by_id = None, "", inventory.deployment_id
        kept.reason = ""
        changes.reopened += 1
    if inventory.is_fresh:
        kept.last_seen_at = now
    if _describe(kept, observation) or inventory.is_fresh or kept.state != former_state:
        changes.update(kept, renamed=kept.advisory_id != former_name)


def _close(
    remaining: Mapping[Package, Sequence[Finding]],
    unknown: Collection[Package],
    inventory: Inventory,
    changes: Changes,
    now: datetime,
) -> None:
    for package, findings in remaining.items():
        for finding in () if package in unknown else findings:
            if finding.state in _GONE_IS_FIXED:
                finding.state, finding.fixed_at = Finding.State.FIXED, now
                finding.fixed_by_id, finding.fixed_version = inventory.deployment_id, inventory.versions_of(package)
                if finding.version and finding.version == finding.fixed_version:
                    finding.fixed_by_id, finding.reason = None, NO_LONGER_NAMED
                changes.fixed += 1
                changes.update(finding)
