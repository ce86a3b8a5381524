"""Reports of pip-audit are read row by row; nothing that was not audited becomes clean."""

import json
from pathlib import Path

import pytest

from fleet.inventory import InvalidReport
from fleet.pip_audit_report import read_report, report_sha256

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "security" / "pip-audit" / "a.json"


def test_a_real_report_is_read_row_by_row() -> None:
    if not REAL.is_file():
        pytest.skip(f"{REAL} is not here")
    rows = read_report(json.loads(REAL.read_text())).components
    assert len(rows) == 18
    assert sum(len(row.problems) for row in rows) == 88
    django = rows[0]
    assert (django.name, django.version, django.purl) == ("django", "3.2.4", "pkg:pypi/django@3.2.4")
    assert django.problems[0].ids == ("PYSEC-2021-109", "CVE-2021-35042", "GHSA-xpfp-f569-q3p2")
    assert django.problems[0].fix_versions == ("3.1.13", "3.2.5")


def test_a_skipped_row_keeps_its_reason() -> None:
    (row,) = read_report(
        {"dependencies": [{"name": "Internal_Tool", "skip_reason": "not found on the index"}]}
    ).components
    assert (row.name, row.version, row.skip_reason) == ("internal-tool", "", "not found on the index")


def test_a_row_without_version_is_unknown() -> None:
    (row,) = read_report({"dependencies": [{"name": "thing", "vulns": []}]}).components
    assert row.skip_reason == "the report gives no version"


def test_a_row_that_does_not_fit_is_kept_as_unknown() -> None:
    long_name, long_version = read_report(
        {"dependencies": [{"name": "n" * 400, "version": "1"}, {"name": "v", "version": "1" * 300}]}
    ).components
    assert long_name.skip_reason == "its name has 400 characters; the limit is 300"
    assert long_version.skip_reason == "its version has 300 characters; the limit is 200"


def test_the_bare_list_of_version_1_is_read() -> None:
    assert [row.name for row in read_report([{"name": "a", "version": "1", "vulns": []}]).components] == ["a"]


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({}, 'no list "dependencies"'),
        (None, 'no list "dependencies"'),
        ({"dependencies": [1]}, r"dependencies\[0\] is not an object"),
        ({"dependencies": [{"version": "1"}]}, r"dependencies\[0\] has no name"),
        ({"dependencies": [{"name": 1}]}, r"dependencies\[0\].name is not text"),
        ({"dependencies": [{"name": "a", "version": "1", "vulns": {}}]}, "vulns is not a list"),
        ({"dependencies": [{"name": "a", "version": "1", "vulns": [{}]}]}, r"vulns\[0\] has no id"),
        (
            {"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "x" * 101}]}]},
            "identifier of 101 characters",
        ),
        ({"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "x", "aliases": [1]}]}]}, "list of texts"),
        ({"dependencies": [{"name": "a"}] * 100_001}, "100,001 components; the limit is 100,000"),
    ],
)
def test_something_else_is_refused_by_what_is_wrong(document: object, sentence: str) -> None:
    with pytest.raises(InvalidReport, match=sentence):
        read_report(document)


def test_the_hash_is_of_the_content_and_not_of_its_spelling() -> None:
    assert report_sha256({"a": 1, "b": [2]}) == report_sha256(json.loads('{ "b": [2],\n "a": 1 }'))
    assert report_sha256({"a": 1}) != report_sha256({"a": 2})


@pytest.mark.parametrize("document", [[], {"dependencies": []}])
def test_an_empty_report_is_no_all_clear(document: object) -> None:
    with pytest.raises(InvalidReport, match="no dependencies"):
        read_report(document)
