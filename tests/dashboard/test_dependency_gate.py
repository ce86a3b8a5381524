"""The gate: by command and by API, for people and machines; what is unknown does not pass."""

import io
import json
import time
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from collectors.wire.inventory.detect import read_inventory
from collectors.wire.limits import DecodeLimits
from fleet.actions.decisions import Decision, decide_findings
from fleet.models import AuditReport, Finding, KnownExploited, Service
from fleet.tokens import create_token, forget_cached_tokens
from telemetry.store import TelemetryStore
from tests.fleet.test_dependencies import VECTOR, advisory, load, report, row, vuln
from tests.series import write_series

pytestmark = pytest.mark.django_db

ONLY_IF_USED = """\
unaudited: passes
rules:
- name: high that runs and takes traffic
  severity_at_least: high
  runs: true
  requests_per_second_at_least: 0.01
"""
BANNED = "rules:\n- {name: banned, packages: ['flask*']}\n"
AUDIT = {"dependencies": [row("jinja2", "2.10", vuln("PYSEC-1")), row("flask", "3.0")], "fixes": []}


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    cache.clear()
    forget_cached_tokens()
    load(advisory("PYSEC-1", severity=[{"type": "CVSS_V3", "score": VECTOR}]))
    file = tmp_path / "audit.json"
    file.write_text(json.dumps(AUDIT))
    return file


def gate(audit: Path, *words: str, policy: str = "") -> tuple[int, str]:
    stream = io.StringIO()
    if policy:
        file = audit.parent / "policy.yaml"
        file.write_text(policy)
        words = (*words, "--policy", str(file))
    try:
        call_command("gate", "--service", "shop", *words, str(audit), stdout=stream)
    except SystemExit as end:
        return int(end.code), stream.getvalue()
    return 0, stream.getvalue()


def test_a_violation_ends_with_1_and_says_what_and_why(audit: Path, store: TelemetryStore) -> None:
    status, text = gate(audit)
    assert status == 1
    assert "VIOLATED: high or worse with a fix (1)" in text
    assert "jinja2 2.10 PYSEC-1: severity 9.8; fixed in 3.0" in text
    assert "no service is called 'shop' here" in text
    assert not Finding.objects.exists()
    assert not AuditReport.objects.exists()
    assert not Service.objects.exists()


def test_fail_only_if_it_runs_and_takes_traffic(audit: Path, store: TelemetryStore) -> None:
    Service.objects.create(name="shop")
    status, text = gate(audit, policy=ONLY_IF_USED)
    assert (status, "replicas now unknown, counted as violating" in text) == (1, True)
    now_ms = int(time.time() * 1000)
    replicas = "kube_deployment_status_replicas_available"
    write_series(store, (replicas, {"service": "shop"}, [(now_ms - 1000, 0)]))
    assert gate(audit, policy=ONLY_IF_USED)[0] == 0
    hour = [(now_ms - 3_600_000 + 60_000 * minute, 6000.0 * minute) for minute in range(60)]
    write_series(
        store, (replicas, {"service": "shop"}, [(now_ms, 3)]), ("http_requests_total", {"service": "shop"}, hour)
    )
    cache.clear()
    status, text = gate(audit, policy=ONLY_IF_USED)
    assert (status, "replicas now 3" in text) == (1, True)


def test_what_was_decided_about_the_service_does_not_violate(audit: Path, store: TelemetryStore) -> None:
    report(row("jinja2", "2.10", vuln("PYSEC-1")))
    found = list(Finding.objects.values_list("pk", flat=True))
    decide_findings(findings=found, decision=Decision("not_affected", "unused"), actor="user:ada")
    status, text = gate(audit)
    assert (status, "0 open findings, 1 decided" in text) == (0, True)


def test_packages_can_be_banned_without_any_advisory(audit: Path, store: TelemetryStore) -> None:
    status, text = gate(audit, policy=BANNED)
    assert (status, "flask 3.0: package flask" in text) == (1, True)


def test_what_could_not_be_audited_does_not_pass(audit: Path, store: TelemetryStore) -> None:
    audit.write_text(json.dumps({"dependencies": [{"name": "private", "skip_reason": "not on the index"}]}))
    status, text = gate(audit)
    assert (status, "private: not on the index" in text) == (1, True)


def test_sarif_and_junit_hold_every_violation(audit: Path, store: TelemetryStore) -> None:
    _, sarif = gate(audit, "--format", "sarif")
    run = json.loads(sarif)["runs"][0]
    assert [result["ruleId"] for result in run["results"]] == ["high or worse with a fix"]
    assert run["tool"]["driver"]["rules"][run["results"][0]["ruleIndex"]]["id"] == "high or worse with a fix"
    _, junit = gate(audit, "--format", "junit")
    suite = ET.fromstring(junit)
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")


def test_a_file_that_is_none_or_a_broken_policy_is_named(audit: Path, store: TelemetryStore) -> None:
    with pytest.raises(CommandError, match=r"line 2, column 3"):
        gate(audit, policy="rules:\n- {severity_at_least: high}\n")
    audit.write_text('{"a": 1}')
    with pytest.raises(CommandError, match="not recognised") as caught:
        gate(audit)
    assert caught.value.returncode == 2


def machine(*scopes: str) -> Client:
    _, text = create_token(name="ci", scopes=scopes, actor="system")
    return Client(headers={"authorization": f"Bearer {text}"})


def test_the_api_answers_the_same(audit: Path, store: TelemetryStore) -> None:
    answer = machine("query").post("/api/gate?service=shop", audit.read_bytes(), content_type="application/json")
    assert (answer.status_code, answer["X-Belvedere-Gate"]) == (200, "failed")
    assert [each["package"] for each in answer.json()["violations"]] == ["jinja2"]
    broken = machine("query").post("/api/gate?service=shop", b'{"a": 1}', content_type="application/json")
    assert (broken.status_code, "not recognised" in broken.json()["error"]) == (422, True)


def test_findings_are_ranked_and_decided_over_the_api(audit: Path, store: TelemetryStore) -> None:
    report(row("jinja2", "2.10", vuln("PYSEC-1")))
    admin = machine("admin")
    found = admin.get("/api/findings/ranked?without=due").json()
    assert [factor["name"] for factor in found["items"][0]["factors"] if not factor["counted"]] == ["due"]
    assert [(each["package"], each["target"]) for each in found["fix_first"]] == [("jinja2", "3.0")]
    assert admin.get("/api/findings/ranked?without=luck").status_code == 422
    body = {"findings": [found["items"][0]["id"]], "state": "false_positive", "reason": "checked"}
    assert admin.post("/api/findings/decisions", body, content_type="application/json").status_code == 200
    assert Finding.objects.get().state == "false_positive"
    assert machine("query").post("/api/findings/decisions", body, content_type="application/json").status_code == 403


def test_a_policy_whose_own_test_fails_is_not_put_in_force(audit: Path, store: TelemetryStore) -> None:
    admin = machine("admin")
    tests = "tests:\n- {name: none, finding: {package: flask, component: true}, violates: []}\n"
    refused = admin.put("/api/dependency-policy", {"text": BANNED + tests}, content_type="application/json")
    assert (refused.status_code, "'none' fails: it violates banned" in refused.json()["error"]) == (422, True)
    assert admin.put("/api/dependency-policy", {"text": BANNED}, content_type="application/json").status_code == 200
    assert admin.get("/api/dependency-policy").json() == {"text": BANNED}
    assert gate(audit)[0] == 1


def test_policies_are_tested_by_a_command(audit: Path) -> None:
    file = audit.parent / "policy.yaml"
    case = "tests:\n- {name: flask is banned, finding: {package: flask, component: true}, violates: [banned]}\n"
    file.write_text(BANNED + case)
    stream = io.StringIO()
    call_command("policy", "test", str(file), stdout=stream)
    assert "ok     flask is banned: violates banned" in stream.getvalue()
    file.write_text(BANNED + case.replace("package: flask,", "package: django,"))
    with pytest.raises(CommandError, match="1 of 1 failed; line 4 expects banned"):
        call_command("policy", "test", str(file), stdout=stream)


def test_exploitation_counts_at_the_gate(audit: Path, store: TelemetryStore) -> None:
    load(advisory("PYSEC-1", aliases=["CVE-2024-1"], modified="2024-03-01T00:00:00Z"))
    policy = "rules: [{name: exploited, known_exploited: true, when_unknown: passes}]"
    assert gate(audit, policy=policy)[0] == 0
    KnownExploited.objects.create(cve="CVE-2024-1", added_on=date(2024, 1, 1))
    status, text = gate(audit, policy=policy)
    assert (status, "known exploited yes" in text) == (1, True)


def test_decisions_leave_as_vex_and_come_back_by_it(audit: Path, store: TelemetryStore) -> None:
    report(row("jinja2", "2.10", vuln("PYSEC-1"), vuln("PYSEC-2")))
    chosen = Finding.objects.filter(advisory_id="PYSEC-1").values_list("pk", flat=True)
    decision = Decision("not_affected", "no templates", "code_not_reachable")
    decide_findings(findings=list(chosen), decision=decision, actor="user:ada")
    answer = machine("query").get("/api/vex?service=shop&environment=production")
    document = json.loads(answer.content)
    told = {each["id"]: each["analysis"] for each in document["vulnerabilities"]}
    assert told["PYSEC-2"]["state"] == "exploitable"
    assert told["PYSEC-1"]["state"] == "not_affected"
    assert told["PYSEC-1"]["justification"] == "code_not_reachable"
    read = read_inventory(answer.content, DecodeLimits())
    back = {problem.ids[0]: problem.analysis.state for each in read.components for problem in each.problems}
    assert back == {"PYSEC-1": "not_affected", "PYSEC-2": "exploitable"}
    assert machine("query").get("/api/vex?service=nobody").status_code == 404
