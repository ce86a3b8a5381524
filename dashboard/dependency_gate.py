"""The gate: an inventory of any known format, held against a dependency policy with what runs in mind."""

from collections.abc import Iterator

from django.utils import timezone

from collectors.wire.inventory.detect import read_inventory
from collectors.wire.limits import DecodeLimits
from dashboard.panels.running import running_now
from fleet.actions.rehearsal import Rehearsal, rehearse
from fleet.models import Finding
from fleet.selectors.dependencies import mirror_is_empty
from fleet.selectors.findings import UNDECIDED_STATES
from fleet.selectors.threats import known_threats
from policies.dependencies.document import DependencyPolicy
from policies.dependencies.facts import Facts
from policies.dependencies.gate import UNAUDITED, Violation, violations
from policies.dependencies.gate_reports import GateResult
from policies.dependencies.standing import Running, facts_of


def check_gate(
    body: bytes, limits: DecodeLimits, *, service: str, environment: str, policy: DependencyPolicy
) -> GateResult:
    """Hold the inventory in `body` against `policy`; nothing is stored. Raises InvalidReport, InvalidInput."""
    rehearsed = rehearse(service=service, environment=environment, inventory=read_inventory(body, limits))
    running = running_now()
    open_ = [finding for finding in rehearsed.findings if finding.state in UNDECIDED_STATES]
    threats = known_threats(name for finding in open_ for name in (finding.advisory_id, *finding.aliases))
    found = [facts_of(finding, running, threats) for finding in open_] + _component_facts(rehearsed, running)
    judged = violations(policy, found, timezone.now())
    return GateResult(
        service=service,
        environment=environment,
        components=len(rehearsed.components),
        findings=len(open_),
        decided=sum(1 for each in rehearsed.findings if each.state not in (*UNDECIDED_STATES, Finding.State.FIXED)),
        rules=tuple(rule.name for rule in policy.rules),
        violations=[*judged, *(_unaudited(rehearsed) if policy.unaudited_violates else ())],
        notes=list(_notes(rehearsed, running, policy)),
    )


def _component_facts(rehearsed: Rehearsal, running: Running) -> list[Facts]:
    service = rehearsed.service
    return [
        Facts(
            package=each.name,
            version=each.version,
            ecosystem=each.ecosystem,
            internet_facing=service.internet_facing,
            requests_per_second=running.requests_per_second.get(service.name),
            replicas=running.replicas.get(service.name),
        )
        for each in rehearsed.components
    ]


def _unaudited(rehearsed: Rehearsal) -> Iterator[Violation]:
    for each in rehearsed.components:
        if each.skip_reason:
            yield Violation(UNAUDITED, Facts(each.name, each.version, each.ecosystem), each.skip_reason)


def _notes(rehearsed: Rehearsal, running: Running, policy: DependencyPolicy) -> Iterator[str]:
    if not rehearsed.is_known:
        yield f"no service is called {rehearsed.service.name!r} here, so nothing is known of its traffic or exposure"
    if mirror_is_empty():
        yield "no advisories of PyPI are loaded here; only what the file itself names was judged"
    if running.error:
        yield f"traffic and replicas could not be read: {running.error}"
    skipped = sum(1 for each in rehearsed.components if each.skip_reason)
    if skipped and not policy.unaudited_violates:
        yield f"{skipped} components could not be audited; the policy lets them pass"
