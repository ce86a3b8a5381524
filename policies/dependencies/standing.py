"""What is known of stored findings: from the row, and from what runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fleet.models import Finding
from fleet.selectors.threats import Threats
from policies.dependencies.facts import Facts

NO_THREATS: Final = Threats()


@dataclass(frozen=True, slots=True)
class Running:
    """What telemetry says of services by name; a service that is absent is not measured."""

    requests_per_second: Mapping[str, float] = field(default_factory=dict)
    replicas: Mapping[str, int] = field(default_factory=dict)
    error: str = ""
    """Why telemetry could not be read; then everything is unknown."""


def facts_of(finding: Finding, running: Running, threats: Threats = NO_THREATS) -> Facts:
    """The facts of a stored finding; its service must be joined."""
    name, ids = finding.service.name, {finding.advisory_id, *finding.aliases}
    return Facts(
        package=finding.package,
        version=finding.version,
        ecosystem=finding.ecosystem,
        advisory_id=finding.advisory_id,
        aliases=tuple(finding.aliases),
        severity_score=finding.severity_score,
        epss=threats.epss(ids),
        known_exploited=threats.known_exploited(ids),
        counts_since=finding.counts_since,
        internet_facing=finding.service.internet_facing,
        requests_per_second=running.requests_per_second.get(name),
        replicas=running.replicas.get(name),
        fix_versions=tuple(finding.fix_versions),
    )
