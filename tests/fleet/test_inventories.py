"""Inventories of several sources stand beside each other; what nobody could look at is unknown."""

import json
from hashlib import sha256
from typing import Any

import pytest

from fleet.actions.advisories import import_advisories
from fleet.actions.dependencies import ReportReceipt, import_inventory
from fleet.actions.matching_again import match_again
from fleet.inventory import Analysis, ReportedComponent, ReportedInventory, ReportedProblem, component
from fleet.models import AuditReport, Component, Finding

pytestmark = pytest.mark.django_db


def send(*rows: ReportedComponent, format_: str = "trivy", audited: bool = True, **fields: Any) -> ReportReceipt:
    inventory = ReportedInventory(format_, rows, sha256(repr(rows).encode()).hexdigest(), audited=audited)
    return import_inventory(service="shop", environment="production", inventory=inventory, actor="test", **fields)


def row(name: str = "jinja2", version: str = "2.10", *ids: str, vex: str = "") -> ReportedComponent:
    problems = [ReportedProblem((name_,), analysis=Analysis(vex)) for name_ in ids]
    return component("PyPI", name, version, problems=problems)


def load(*names: str, package: str = "jinja2", **fields: Any) -> None:
    documents = [
        {
            "id": name,
            "modified": "2024-01-01T00:00:00Z",
            "affected": [
                {
                    "package": {"ecosystem": "PyPI", "name": package},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3"}]}],
                }
            ],
            **fields,
        }
        for name in names
    ]
    pairs = [(document["id"], json.dumps(document).encode()) for document in documents]
    import_advisories(feed="test", source="test", documents=pairs, actor="test")


def open_ids() -> list[str]:
    return sorted(Finding.objects.filter(state=Finding.State.OPEN).values_list("advisory_id", flat=True))


def test_a_problem_stays_open_while_any_source_names_it() -> None:
    send(row("jinja2", "2.10", "CVE-1"))
    send(row("jinja2", "2.10", "CVE-1"), format_="osv-scanner")
    assert Finding.objects.get().reported_by == ["osv-scanner", "trivy"]
    send(row("flask", "1"))
    assert (open_ids(), Finding.objects.get().reported_by) == (["CVE-1"], ["osv-scanner"])
    send(format_="osv-scanner")
    assert open_ids() == []


def test_sources_that_are_named_stand_beside_each_other_though_of_one_format() -> None:
    send(row("a", "1"), source="backend")
    send(row("b", "1"), source="frontend")
    send(row("c", "1"), source="frontend")
    current = Component.objects.filter(report__current=True).values_list("report__source", "name")
    assert sorted(current) == [("backend", "a"), ("frontend", "c")]
    replaced = AuditReport.objects.get(current=False)
    assert replaced.replaced_at is not None


def test_what_scanners_said_survives_a_match_without_a_new_scan() -> None:
    send(row("jinja2", "2.10", "CVE-1"))
    match_again()
    assert open_ids() == ["CVE-1"]


def test_a_bare_inventory_is_unknown_while_no_advisories_of_its_ecosystem_are_loaded() -> None:
    send(component("npm", "left-pad", "1.0.0"), row("jinja2", "3.1"), format_="cyclonedx", audited=False)
    reasons = dict(Component.objects.values_list("name", "skip_reason"))
    assert reasons["jinja2"] == "undecided: no advisories of PyPI are loaded"
    assert reasons["left-pad"]
    load("PYSEC-1", package="flask")
    match_again()
    assert Component.objects.get(name="jinja2").skip_reason == ""


def test_a_scanner_that_looked_makes_a_row_known_though_no_advisories_are_loaded() -> None:
    send(row("jinja2", "3.1"), component("Debian:12", "openssl", "3.0.1-1"))
    assert set(Component.objects.values_list("skip_reason", flat=True)) == {""}


def test_a_problem_that_the_sender_says_does_not_concern_it_is_kept_but_no_finding() -> None:
    send(row("jinja2", "2.10", "CVE-1", vex="not_affected"))
    assert open_ids() == []
    assert Component.objects.get().claims == [{"ids": ["CVE-1"], "vex": "not_affected"}]


def test_a_report_belongs_to_the_deployment_of_its_version() -> None:
    receipt = send(row("a", "1"), version="1.4.2")
    assert (receipt.report.version, receipt.report.deployment) == ("1.4.2", None)
