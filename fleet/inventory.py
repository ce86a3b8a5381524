"""What an inventory or a scan says of a service, whatever its format: components, and the problems it names; pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fleet.osv import NO_SEVERITY, Severity

MAX_COMPONENTS: Final = 100_000
MAX_PROBLEMS: Final = 200_000
MAX_NAME: Final = 300
MAX_VERSION: Final = 200
MAX_PURL: Final = 600
MAX_REASON: Final = 500

NOT_AFFECTED: Final = frozenset({"not_affected", "false_positive", "resolved", "resolved_with_pedigree"})
"""VEX states of CycloneDX in which a problem is said not to concern the component
(https://cyclonedx.org/docs/1.6/json/#vulnerabilities_items_analysis_state)."""


class InvalidReport(ValueError):
    """The document is no report or inventory that we read; the message says which part is not."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What somebody decided about a problem (VEX); all '' where nobody did."""

    state: str = ""
    justification: str = ""
    detail: str = ""


NO_ANALYSIS: Final = Analysis()


@dataclass(frozen=True, slots=True)
class ReportedProblem:
    """One vulnerability as a report names it; `ids[0]` is its primary identifier."""

    ids: tuple[str, ...]
    fix_versions: tuple[str, ...] = ()
    description: str = ""
    severity: Severity = NO_SEVERITY
    analysis: Analysis = NO_ANALYSIS


@dataclass(frozen=True, slots=True)
class ReportedComponent:
    """One row. With a `skip_reason` it could not be audited, so it is unknown, never clean."""

    ecosystem: str
    """As OSV spells it; '' where nothing says so."""
    name: str
    """Normalised as its ecosystem prescribes."""
    version: str
    purl: str = ""
    skip_reason: str = ""
    problems: tuple[ReportedProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportedInventory:
    """Everything that one file says."""

    format: str
    """A value of AuditReport.Format."""
    components: tuple[ReportedComponent, ...]
    sha256: str
    """The same for the same content."""
    audited: bool = False
    """Whether a scanner looked for problems, so that a row without one was audited; a bare inventory was not."""


def component(
    ecosystem: str,
    name: str,
    version: str,
    *,
    purl: str = "",
    skip_reason: str = "",
    problems: Sequence[ReportedProblem] = (),
) -> ReportedComponent:
    """A row cut to what can be stored; one that does not fit is unknown, and so is one without a version."""
    return ReportedComponent(
        ecosystem=ecosystem[:50],
        name=_clean(name)[:MAX_NAME],
        version=_clean(version)[:MAX_VERSION],
        purl=_clean(purl) if len(purl) <= MAX_PURL else "",
        skip_reason=_clean(_oversize(name, version) or skip_reason or _lack(ecosystem, version))[:MAX_REASON],
        problems=tuple(problems),
    )


def _oversize(name: str, version: str) -> str:
    if len(name) > MAX_NAME:
        return f"its name has {len(name)} characters; the limit is {MAX_NAME}"
    if len(version) > MAX_VERSION:
        return f"its version has {len(version)} characters; the limit is {MAX_VERSION}"
    return ""


def _lack(ecosystem: str, version: str) -> str:
    if not ecosystem:
        return "nothing says of which ecosystem it is (no package URL)"
    return "" if version else "it has no version"


def _clean(text: str) -> str:
    # NUL is legal in JSON and in no text column of PostgreSQL.
    return text.replace("\x00", "").strip()


def check_counts(components: Sequence[ReportedComponent]) -> None:
    """Raises InvalidReport naming the limit if there are too many rows or problems."""
    if len(components) > MAX_COMPONENTS:
        raise InvalidReport(f"the file has {len(components):,} components; the limit is {MAX_COMPONENTS:,}")
    problems = sum(len(each.problems) for each in components)
    if problems > MAX_PROBLEMS:
        raise InvalidReport(f"the file names {problems:,} vulnerabilities; the limit is {MAX_PROBLEMS:,}")


def content_sha256(format_: str, components: Sequence[ReportedComponent]) -> str:
    """Hash of what was understood, so that serial numbers and times of a file do not make it another."""
    digest = hashlib.sha256(format_.encode())
    for text in sorted(repr(each) for each in components):
        digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
