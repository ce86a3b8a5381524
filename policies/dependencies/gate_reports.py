"""What the gate says, for people and for machines: text, JSON, SARIF 2.1.0, JUnit."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.etree import ElementTree as ET

from policies.dependencies.gate import Violation


@dataclass(frozen=True, slots=True)
class GateResult:
    """The outcome of holding one inventory against a policy."""

    service: str
    environment: str
    components: int
    findings: int
    """That are open; decided ones do not violate."""
    decided: int
    """Accepted, not affected or false positive, for the service as it is known."""
    rules: tuple[str, ...]
    violations: Sequence[Violation]
    notes: Sequence[str] = ()
    """What could not be found out."""

    @property
    def passed(self) -> bool:
        return not self.violations


def as_text(result: GateResult) -> str:
    """A few lines for a terminal."""
    return "\n".join(_lines(result))


def _lines(result: GateResult) -> Iterator[str]:
    for rule, violations in _by_rule(result).items():
        yield f"VIOLATED: {rule} ({len(violations)})"
        for each in violations:
            yield f"  {_subject(each)}: {each.because}"
    for note in result.notes:
        yield f"note: {note}"
    verdict = "passed" if result.passed else f"FAILED, {len(result.violations)} violations"
    yield (
        f"{result.service} in {result.environment}: {verdict}; {result.components} components, "
        f"{result.findings} open findings, {result.decided} decided, {len(result.rules)} rules"
    )


def as_dict(result: GateResult) -> dict[str, Any]:
    """The JSON object of the API and of `--format json`."""
    return {
        "passed": result.passed,
        "service": result.service,
        "environment": result.environment,
        "components": result.components,
        "findings": result.findings,
        "decided": result.decided,
        "rules": list(result.rules),
        "notes": list(result.notes),
        "violations": [
            {
                "rule": each.rule,
                "package": each.facts.package,
                "version": each.facts.version,
                "ecosystem": each.facts.ecosystem,
                "advisory": each.facts.advisory_id,
                "aliases": list(each.facts.aliases),
                "severity_score": each.facts.severity_score,
                "fix_versions": list(each.facts.fix_versions),
                "because": each.because,
            }
            for each in result.violations
        ],
    }


def as_json(result: GateResult) -> str:
    """`as_dict` as text."""
    return json.dumps(as_dict(result), indent=2)


def as_sarif(result: GateResult) -> str:
    """SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/): a rule for each rule of the policy."""
    places = {name: place for place, name in enumerate(_rules(result))}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "Belvedere",
                        "rules": [{"id": name, "shortDescription": {"text": name}} for name in places],
                    }
                },
                "results": [
                    {
                        "ruleId": each.rule,
                        "ruleIndex": places[each.rule],
                        "level": "error",
                        "message": {"text": f"{_subject(each)}: {each.because}"},
                        "locations": [
                            {
                                "logicalLocations": [
                                    {"fullyQualifiedName": f"{each.facts.ecosystem}/{each.facts.package}"}
                                ]
                            }
                        ],
                        "partialFingerprints": {
                            "belvedere/v1": f"{result.service}/{each.facts.package}/{each.facts.advisory_id}"
                        },
                    }
                    for each in result.violations
                ],
            }
        ],
    }
    return json.dumps(log, indent=2)


def as_junit(result: GateResult) -> str:
    """JUnit XML: a test for each rule, failed where something violates it."""
    found = _by_rule(result)
    suite = ET.Element(
        "testsuite",
        name=f"dependency policy of {result.service}",
        tests=str(len(_rules(result))),
        failures=str(len(found)),
        errors="0",
    )
    for rule in _rules(result):
        case = ET.SubElement(suite, "testcase", classname="belvedere.gate", name=_xml(rule))
        if violations := found.get(rule):
            failure = ET.SubElement(case, "failure", message=f"{len(violations)} violations")
            failure.text = _xml("\n".join(f"{_subject(each)}: {each.because}" for each in violations))
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


FORMATS: Final[dict[str, Callable[[GateResult], str]]] = {
    "text": as_text, "json": as_json, "sarif": as_sarif, "junit": as_junit,
}  # fmt: skip


def _by_rule(result: GateResult) -> dict[str, list[Violation]]:
    found: dict[str, list[Violation]] = defaultdict(list)
    for each in result.violations:
        found[each.rule].append(each)
    return found


def _rules(result: GateResult) -> list[str]:
    """Rules of the policy, and what else was violated."""
    return list(dict.fromkeys([*result.rules, *(each.rule for each in result.violations)]))


def _subject(each: Violation) -> str:
    name = f"{each.facts.package} {each.facts.version}".strip()
    return f"{name} {each.facts.advisory_id}".strip()


def _xml(text: str) -> str:
    """Text without the characters that XML 1.0 cannot hold."""
    return "".join(each if each in "\t\n\r" or ord(each) >= 32 else "�" for each in text)
