"""Reports and advisories become findings that open, close and open again, and are never clean for want of knowledge."""

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from fleet.actions.advisories import BrokenDocument, import_advisories
from fleet.actions.dependencies import ReportReceipt, import_pip_audit_report
from fleet.actions.findings import NO_LONGER_NAMED
from fleet.actions.matching_again import MATCH_AGAIN, match_again
from fleet.jobs import run_job
from fleet.models import Advisory, AdvisoryFeed, AuditEvent, AuditReport, Component, Finding, Job, Service
from fleet.selectors.dependencies import (
    AuditStanding,
    audit_standings,
    mirror_is_empty,
    unknown_components,
)

pytestmark = pytest.mark.django_db

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
VECTOR = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"


def advisory(osv_id: str, package: str = "jinja2", fixed: str = "3.0", **fields: Any) -> dict[str, Any]:
    return {
        "id": osv_id,
        "modified": "2024-01-01T00:00:00Z",
        "summary": f"Summary of {osv_id}",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
            }
        ],
        **fields,
    }


def load(*documents: dict[str, Any]):
    pairs = [(document.get("id", "?"), json.dumps(document).encode()) for document in documents]
    return import_advisories(feed="test", source="test.zip", documents=pairs, actor="test")


def report(*rows: dict[str, Any], service: str = "shop", environment: str = "production") -> ReportReceipt:
    return import_pip_audit_report(
        service=service, environment=environment, document={"dependencies": list(rows), "fixes": []}, actor="token:ci"
    )


def row(name: str, version: str, *vulns: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": version, "vulns": list(vulns)}


def vuln(name: str, *aliases: str, fixes: Iterable[str] = ("3.0",)) -> dict[str, Any]:
    return {"id": name, "aliases": list(aliases), "fix_versions": list(fixes), "description": f"About {name}"}


def states() -> dict[str, str]:
    return dict(Finding.objects.values_list("advisory_id", "state"))


def test_a_report_becomes_components_and_findings_with_severity_from_the_mirror() -> None:
    load(advisory("GHSA-1", aliases=["CVE-1"], severity=[{"type": "CVSS_V3", "score": VECTOR}]))
    receipt = report(row("Jinja2", "2.10", vuln("CVE-1", "GHSA-1")), row("flask", "3.1.0"))
    assert receipt.as_json() | {"report": 0} == {
        "report": 0, "created": True, "service": "shop", "environment": "production",
        "format": "pip-audit", "source": "pip-audit",
        "components": 2, "unknown": 0, "findings": 1, "opened": 1, "reopened": 0, "fixed": 0,
    }  # fmt: skip
    finding = Finding.objects.get()
    assert (finding.package, finding.version, finding.advisory_id) == ("jinja2", "2.10", "CVE-1")
    assert (finding.aliases, finding.reported_by) == (["CVE-1", "GHSA-1"], ["mirror", "pip-audit"])
    assert (finding.severity_score, finding.severity_vector, finding.summary) == (9.8, VECTOR, "Summary of GHSA-1")
    event = AuditEvent.objects.get(action="audit.imported")
    assert (event.actor, event.detail["components"], event.detail["opened"]) == ("token:ci", 2, 1)


def test_a_report_is_matched_against_the_mirror_even_where_the_scanner_saw_nothing() -> None:
    load(advisory("PYSEC-1"))
    report(row("jinja2", "2.10"))
    assert Finding.objects.get().reported_by == ["mirror"]


def test_the_same_document_again_changes_nothing_but_when_it_was_seen() -> None:
    load(advisory("PYSEC-1"))
    first = report(row("jinja2", "2.10"))
    Finding.objects.update(last_seen_at=timezone.now() - timedelta(days=2))
    again = report(row("jinja2", "2.10"))
    assert (again.created, again.opened, again.report.pk) == (False, 0, first.report.pk)
    assert (AuditReport.objects.count(), Component.objects.count(), Finding.objects.count()) == (1, 1, 1)
    assert Finding.objects.get().last_seen_at > timezone.now() - timedelta(minutes=1)
    assert AuditEvent.objects.filter(action="audit.imported").count() == 1


def test_a_finding_is_fixed_when_gone_and_reopened_when_back() -> None:
    vulnerable, healthy = row("jinja2", "2.10", vuln("PYSEC-1")), row("jinja2", "3.1")
    report(vulnerable)
    assert report(healthy).fixed == 1
    finding = Finding.objects.get()
    assert finding.state == "fixed"
    assert finding.fixed_at is not None
    assert report(vulnerable).reopened == 1
    finding.refresh_from_db()
    assert (finding.state, finding.fixed_at) == ("open", None)
    assert finding.reopened_at is not None


def test_a_package_that_is_gone_takes_its_findings_along() -> None:
    report(row("jinja2", "2.10", vuln("PYSEC-1")), row("flask", "1.0", vuln("PYSEC-2")))
    report(row("flask", "1.0", vuln("PYSEC-2")))
    assert states() == {"PYSEC-1": "fixed", "PYSEC-2": "open"}


def test_a_package_that_could_not_be_audited_keeps_its_findings() -> None:
    report(row("jinja2", "2.10", vuln("PYSEC-1")))
    receipt = report({"name": "jinja2", "skip_reason": "index not reachable"})
    assert states() == {"PYSEC-1": "open"}
    assert (receipt.report.unknown, receipt.fixed) == (1, 0)
    assert [component.skip_reason for component in unknown_components("shop")] == ["index not reachable"]


def test_findings_of_another_place_are_left_alone() -> None:
    report(row("jinja2", "2.10", vuln("PYSEC-1")))
    report(row("jinja2", "3.1"), environment="staging")
    report(row("jinja2", "3.1"), service="till")
    assert states() == {"PYSEC-1": "open"}
    assert AuditReport.objects.filter(current=True).count() == 3


def test_what_a_person_decided_outlives_the_next_report() -> None:
    rows = row("jinja2", "2.10", vuln("PYSEC-1"), vuln("PYSEC-2"))
    report(rows)
    Finding.objects.filter(advisory_id="PYSEC-1").update(state="accepted")
    Finding.objects.filter(advisory_id="PYSEC-2").update(state="false_positive")
    report(rows, row("flask", "3"))
    assert states() == {"PYSEC-1": "accepted", "PYSEC-2": "false_positive"}
    report(row("flask", "3"))
    assert states() == {"PYSEC-1": "fixed", "PYSEC-2": "false_positive"}


def test_one_problem_is_one_finding_whatever_a_scanner_calls_it() -> None:
    load(advisory("GHSA-1", aliases=["CVE-1"]), advisory("PYSEC-1", aliases=["CVE-1"]))
    report(row("jinja2", "2.10", vuln("CVE-1"), vuln("GHSA-1")))
    report(row("jinja2", "2.10", vuln("GHSA-1")))
    report(row("jinja2", "2.10", vuln("CVE-1")))
    finding = Finding.objects.get()
    assert (finding.advisory_id, finding.aliases, finding.state) == ("PYSEC-1", ["CVE-1", "GHSA-1", "PYSEC-1"], "open")


def test_two_findings_merge_when_an_advisory_says_they_are_one() -> None:
    report(row("jinja2", "2.10", vuln("CVE-1"), vuln("GHSA-1")))
    assert Finding.objects.count() == 2
    Finding.objects.filter(advisory_id="CVE-1").update(
        first_seen_at=timezone.now() - timedelta(days=9), state="accepted"
    )
    load(advisory("PYSEC-1", aliases=["CVE-1", "GHSA-1"]))
    match_again()
    finding = Finding.objects.get()
    assert finding.advisory_id == "PYSEC-1"
    assert finding.first_seen_at < timezone.now() - timedelta(days=8)
    assert finding.state == "open"  # one half was open, so the whole is


def test_a_finding_may_take_the_name_that_another_gives_up() -> None:
    report(row("jinja2", "2.10", vuln("B-5", "P-1"), vuln("A-1", "A-0")))
    assert states() == {"B-5": "open", "A-1": "open"}
    report(row("jinja2", "2.10", vuln("A-0"), vuln("A-1", "B-5")))
    assert dict(Finding.objects.values_list("advisory_id", "aliases")) == {"A-0": ["A-0"], "A-1": ["A-1", "B-5"]}


def test_a_package_in_two_versions_is_one_finding_naming_both() -> None:
    load(advisory("PYSEC-1"))
    report(row("jinja2", "2.10"), row("Jinja2", "2.9"))
    assert Finding.objects.get().version == "2.9, 2.10"


def test_an_undecidable_advisory_makes_the_component_unknown_until_it_is_corrected() -> None:
    load(advisory("PYSEC-1", fixed="0.2.0-n653"))
    receipt = report(row("jinja2", "2.10"))
    assert receipt.report.unknown == 1
    assert "PYSEC-1: its fixed version '0.2.0-n653' cannot be compared" in unknown_components().get().skip_reason
    load(advisory("PYSEC-1", fixed="2.0", modified="2024-02-01T00:00:00Z"))
    match_again()
    assert Component.objects.get().skip_reason == ""
    assert AuditReport.objects.get().unknown == 0


def test_a_new_advisory_opens_findings_without_a_new_scan() -> None:
    load(advisory("PYSEC-0", package="flask"))
    report(row("jinja2", "2.10"))
    report(row("jinja2", "3.1"), service="till")
    job = load(advisory("PYSEC-1")).matching
    assert job is not None
    assert (job.kind, job.arguments) == (MATCH_AGAIN, {"packages": [["PyPI", "jinja2"]]})
    assert run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.message) == ("done", "1 findings opened, 0 reopened, 0 fixed")
    assert [str(finding) for finding in Finding.objects.all()] == ["PYSEC-1 in jinja2 2.10 of shop"]
    assert AuditReport.objects.get(service__name="shop").findings == 1


def test_a_withdrawn_advisory_takes_back_what_only_the_mirror_said() -> None:
    load(advisory("PYSEC-1"), advisory("PYSEC-2"))
    report(row("jinja2", "2.10", vuln("PYSEC-2")))
    gone = {"modified": "2024-02-01T00:00:00Z", "withdrawn": "2024-02-01T00:00:00Z"}
    load(advisory("PYSEC-1", **gone), advisory("PYSEC-2", **gone))
    match_again()
    assert states() == {"PYSEC-1": "fixed", "PYSEC-2": "open"}
    assert Finding.objects.get(advisory_id="PYSEC-2").reported_by == ["pip-audit"]


def test_what_is_closed_though_the_same_version_runs_says_so_until_it_is_back() -> None:
    load(advisory("PYSEC-1"))
    report(row("jinja2", "2.10"))
    load(advisory("PYSEC-1", modified="2024-02-01T00:00:00Z", withdrawn="2024-02-01T00:00:00Z"))
    match_again()
    assert Finding.objects.get().reason == NO_LONGER_NAMED
    load(advisory("PYSEC-1", modified="2024-03-01T00:00:00Z"))
    match_again()
    assert (Finding.objects.get().state, Finding.objects.get().reason) == ("open", "")
    report(row("jinja2", "3.1"))
    assert (Finding.objects.get().state, Finding.objects.get().reason) == ("fixed", "")


def test_a_rewritten_advisory_is_matched_for_the_packages_it_named_before_as_well() -> None:
    load(advisory("PYSEC-1", package="jinja2"))
    report(row("jinja2", "2.10"), row("markupsafe", "1.0"))
    job = load(advisory("PYSEC-1", package="markupsafe", modified="2024-02-01T00:00:00Z")).matching
    assert job.arguments["packages"] == [["PyPI", "jinja2"], ["PyPI", "markupsafe"]]
    run_job(job.pk)
    assert dict(Finding.objects.values_list("package", "state")) == {"jinja2": "fixed", "markupsafe": "open"}


def test_matching_again_without_a_change_writes_nothing(django_assert_max_num_queries) -> None:
    load(advisory("PYSEC-1"))
    for number in range(30):
        report(row("jinja2", "2.10"), service=f"service-{number}")
    seen = list(Finding.objects.values_list("last_seen_at", flat=True))
    with django_assert_max_num_queries(12):
        changes = match_again()
    assert (changes.opened, changes.reopened, changes.fixed) == (0, 0, 0)
    assert list(Finding.objects.values_list("last_seen_at", flat=True)) == seen


def test_an_import_is_incremental_by_document_hash() -> None:
    first = load(advisory("PYSEC-1"), advisory("PYSEC-2"))
    assert (first.created, first.changed, first.unchanged) == (2, 0, 0)
    again = load(advisory("PYSEC-1"), advisory("PYSEC-2", summary="Other", modified="2024-02-01T00:00:00Z"))
    assert (again.created, again.changed, again.unchanged) == (0, 1, 1)
    assert Advisory.objects.get(osv_id="PYSEC-2").summary == "Other"
    same = load(advisory("PYSEC-1"))
    assert same.matching is None
    assert Advisory.objects.count() == 2


def test_an_older_document_does_not_replace_a_newer() -> None:
    load(advisory("PYSEC-1", modified="2024-02-01T00:00:00Z", summary="New"))
    result = load(advisory("PYSEC-1", modified="2024-01-01T00:00:00Z", summary="Old"))
    assert (result.older, Advisory.objects.get().summary) == (1, "New")


def test_the_last_of_two_documents_of_one_id_wins() -> None:
    load(advisory("PYSEC-1", summary="First"), advisory("PYSEC-1", summary="Second", aliases=["CVE-1"]))
    assert Advisory.objects.get().summary == "Second"
    assert list(Advisory.objects.get().aliases.values_list("alias", flat=True)) == ["CVE-1"]


def test_a_feed_cut_off_half_way_leaves_the_old_data_whole() -> None:
    load(advisory("PYSEC-1", summary="Old"))

    def half():
        yield "1", json.dumps(advisory("PYSEC-1", summary="New", modified="2025-01-01T00:00:00Z")).encode()
        yield "2", json.dumps(advisory("PYSEC-2")).encode()[:-20]

    imported_at = AdvisoryFeed.objects.get().imported_at
    with pytest.raises(BrokenDocument, match="2 is broken JSON"):
        import_advisories(feed="test", source="test.zip", documents=half(), actor="test")
    assert list(Advisory.objects.values_list("osv_id", "summary")) == [("PYSEC-1", "Old")]
    feed = AdvisoryFeed.objects.get()
    assert feed.imported_at == imported_at
    assert "broken JSON" in feed.last_error


def test_a_record_that_is_none_is_named_and_the_rest_is_taken() -> None:
    result = load(advisory("PYSEC-1"), {"summary": "no id"}, {**advisory("x" * 200)})
    assert (result.created, len(result.refused)) == (1, 2)
    assert "?: the record has no id" in result.sentence()
    assert "2 refused" in AdvisoryFeed.objects.get().last_error


def test_a_nul_in_a_record_does_not_stop_the_import() -> None:
    load(advisory("PYSEC-1", details="before\x00after"))
    assert Advisory.objects.get().document["details"] == "beforeafter"


def test_a_feed_says_how_much_it_holds_and_how_new_it_is() -> None:
    load(advisory("PYSEC-1"), advisory("PYSEC-2", modified="2024-05-01T00:00:00Z"))
    feed = AdvisoryFeed.objects.get()
    assert (feed.name, feed.advisories, str(feed.newest_modified.date())) == ("test", 2, "2024-05-01")
    assert feed.imported_at is not None


def test_the_state_of_a_service_is_unknown_before_it_is_clean(django_assert_num_queries) -> None:
    assert mirror_is_empty()
    report(row("flask", "3.0"), service="clean")
    report(row("flask", "3.0"), {"name": "x", "skip_reason": "no index"}, service="skipped")
    report(row("jinja2", "2.10", vuln("PYSEC-1")), service="vulnerable")
    with django_assert_num_queries(2):
        standings = audit_standings()
    ids = dict(Service.objects.values_list("name", "pk"))
    states = {name: standings[pk].state(1 if name == "vulnerable" else 0) for name, pk in ids.items()}
    assert states == {"clean": "clean", "skipped": "unknown", "vulnerable": "vulnerable"}
    assert (standings[ids["skipped"]].components, standings[ids["skipped"]].unknown) == (2, 1)
    assert AuditStanding().state(0) == "unknown"


def test_a_real_report_meets_the_real_advisories() -> None:
    file = DATA / "security" / "pip-audit" / "a.json"
    if not file.is_file():
        pytest.skip(f"{file} is not here")
    document = json.loads(file.read_text())
    receipt = import_pip_audit_report(service="shop", environment="production", document=document, actor="test")
    reported = sum(len({v["id"] for v in each["vulns"]}) for each in document["dependencies"])
    assert (receipt.report.components, receipt.report.findings) == (18, reported)


def test_markup_in_names_is_kept_as_text() -> None:
    report(row("<img src=x onerror=alert(1)>", "1.0"))
    assert Component.objects.get().name.startswith("<img")


def test_a_hundred_changed_packages_are_named_and_a_thousand_are_not() -> None:
    assert load(advisory("PYSEC-first")).matching.arguments == {"packages": None}
    few = load(*(advisory(f"PYSEC-{n}", package=f"p{n}") for n in range(100)))
    assert len(few.matching.arguments["packages"]) == 100
    many = load(*(advisory(f"GHSA-{n}", package=f"q{n}") for n in range(600)))
    assert many.matching.arguments == {"packages": None}
    assert Job.objects.count() == 3
