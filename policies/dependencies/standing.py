"""What is known of stored findings: from the row, and from what runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fleet.models import Finding
from policies.dependencies.facts import Facts


@dataclass(frozen=True, slots=True)
class Running:
    """What telemetry says of services by name; a service that is absent is not measured."""

    requests_per_second: Mapping[str, float] = field(default_factory=dict)
    replicas: Mapping[str, int] = field(default_factory=dict)
    error: str = ""
    """Why telemetry could not be read; then everything is unknown."""


def facts_of(finding: Finding, running: Running) -> Facts:
    """The facts of a stored finding; its service must be joined."""
    name = finding.service.name
    return Facts(
        package=finding.package,
        version=finding.version,
        ecosystem=finding.ecosystem,
        advisory_id=finding.advisory_id,
        aliases=tuple(finding.aliases),
        severity_score=finding.severity_score,
        counts_since=finding.counts_since,
        internet_facing=finding.service.internet_facing,
        requests_per_second=running.requests_per_second.get(name),
        replicas=running.replicas.get(name),
        fix_versions=tuple(finding.fix_versions),
    )
