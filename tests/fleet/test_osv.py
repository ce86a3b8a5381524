"""OSV records are read as the schema says, and identifiers of one problem find each other."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.osv import (
    InvalidRecord,
    Severity,
    alias_closures,
    highest_severity,
    normalised_name,
    preferred_id,
    read_record,
    score_vector,
)

EXAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "security" / "osv-schema" / "examples"

DOCUMENT = {
    "id": "GHSA-aaaa-bbbb-cccc",
    "details": "First line\nof the first paragraph.\n\nSecond paragraph.",
    "aliases": ["CVE-2020-1", "CVE-2020-1", "GHSA-aaaa-bbbb-cccc"],
    "modified": "2024-01-02T03:04:05.123456789Z",
    "published": "2024-01-01T00:00:00Z",
    "severity": [
        {"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:P/I:P/A:P"},
        {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
    ],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Flask_RESTful.Thing"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}]}],
            "versions": ["1.0", "1.1"],
        }
    ],
}


def test_a_record_is_read_with_its_package_name_normalised() -> None:
    record = read_record(DOCUMENT)
    assert record.osv_id == "GHSA-aaaa-bbbb-cccc"
    assert record.aliases == ("CVE-2020-1",)
    assert record.packages == {("PyPI", "flask-restful-thing")}
    assert [(e.kind, e.version) for e in record.affected[0].ranges[0].events] == [("introduced", "0"), ("fixed", "1.2")]
    assert record.published == datetime(2024, 1, 1, tzinfo=UTC)
    assert record.modified == datetime(2024, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)
    assert record.withdrawn is None


def test_the_first_paragraph_of_the_details_stands_in_for_a_missing_summary() -> None:
    assert read_record(DOCUMENT).summary == "First line of the first paragraph."
    assert read_record({**DOCUMENT, "summary": "Short"}).summary == "Short"
    assert len(read_record({**DOCUMENT, "summary": "x" * 5000}).summary) == 500


def test_the_newest_cvss_version_gives_the_score() -> None:
    severity = read_record(DOCUMENT).severity
    assert severity.score == 9.8
    assert severity.vector.startswith("CVSS:3.1/")
    of_package = {
        **DOCUMENT,
        "severity": [],
        "affected": [{**DOCUMENT["affected"][0], "severity": DOCUMENT["severity"]}],
    }
    assert read_record(of_package).severity.score == 9.8


@pytest.mark.parametrize("vector", ["", "CVSS:3.1/AV:N", "nonsense", "CVSS:9.9/AV:N", "A" * 301])
def test_a_vector_that_does_not_parse_gives_no_score_rather_than_zero(vector: str) -> None:
    for kind in ("CVSS_V2", "CVSS_V3", "CVSS_V4", "OTHER"):
        assert score_vector(kind, vector) == Severity()
    assert highest_severity([Severity(), Severity(3.1, "a"), Severity(7.0, "b")]) == Severity(7.0, "b")
    assert highest_severity([]) == Severity()


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ([], "not a JSON object"),
        ({}, "no id"),
        ({"id": 7}, "id is not text"),
        ({"id": "x" * 101}, "id has 101 characters; the limit is 100"),
        ({"id": "A-1", "aliases": "CVE-1"}, "aliases is not a list of texts"),
        ({"id": "A-1", "aliases": ["x" * 101]}, "aliases are over the limit"),
        ({"id": "A-1", "affected": {}}, None),
        ({"id": "A-1", "affected": [3]}, "affected is not a list of objects"),
        ({"id": "A-1", "affected": [{"package": "django"}]}, "affected.package is not an object"),
        ({"id": "A-1", "affected": [{"package": {"name": "x" * 301}}]}, "name has 301 characters"),
        ({"id": "A-1", "affected": [{"package": {"name": "x"}, "versions": [1]}]}, "versions is not a list of texts"),
        ({"id": "A-1", "affected": [{"package": {"name": "x"}, "ranges": [{"events": "x"}]}]}, "events is not a list"),
    ],
)
def test_a_broken_record_is_refused_by_what_is_wrong(document: object, sentence: str | None) -> None:
    if sentence is None:
        assert read_record(document).affected == ()
        return
    with pytest.raises(InvalidRecord, match=sentence):
        read_record(document)


@pytest.mark.parametrize("text", [7, "yesterday", "1-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2024-13-01T00:00:00Z"])
def test_a_time_that_is_none_does_not_hide_the_advisory(text: object) -> None:
    record = read_record({**DOCUMENT, "modified": text, "withdrawn": text})
    assert (record.modified, record.withdrawn) == (None, None)


def test_a_deeply_nested_record_is_refused() -> None:
    nested: list[object] = []
    for _ in range(100):
        nested = [nested]
    with pytest.raises(InvalidRecord, match="nested deeper than 64"):
        read_record({"id": "A-1", "database_specific": nested})


def test_the_examples_of_the_schema_are_read() -> None:
    if not EXAMPLES.is_dir():
        pytest.skip(f"{EXAMPLES} is not here")
    files = sorted(EXAMPLES.glob("*.json"))
    assert files
    for file in files:
        record = read_record(json.loads(file.read_text()))
        assert (record.withdrawn is not None) is (file.name == "withdrawn.osv.json")
        assert record.affected


@pytest.mark.parametrize(
    ("name", "expected"), [("Jinja2", "jinja2"), ("zope.interface", "zope-interface"), ("A__b", "a-b"), (" x ", "x")]
)
def test_pypi_names_are_normalised(name: str, expected: str) -> None:
    assert normalised_name("PyPI", name) == expected
    assert normalised_name("npm", "Some.Name") == "Some.Name"


def test_aliases_close_over_a_chain_of_any_length() -> None:
    closures = alias_closures([("A", "B"), ("X", "Y"), ("C", "D"), ("B", "C"), ("Z",)])
    assert closures["D"] == {"A", "B", "C", "D"}
    assert closures["Y"] == {"X", "Y"}
    assert closures["Z"] == {"Z"}


IDS = st.sampled_from([f"ID-{number}" for number in range(12)])


@given(st.lists(st.sets(IDS, min_size=1, max_size=4), max_size=12))
def test_closures_are_a_partition_that_no_group_crosses(groups: list[set[str]]) -> None:
    closures = alias_closures(groups)
    assert set(closures) == {name for group in groups for name in group}
    for name, closure in closures.items():
        assert name in closure
        assert all(closures[other] == closure for other in closure)
    for group in groups:
        assert len({closures[name] for name in group}) == 1


@given(st.lists(st.sets(IDS, min_size=1, max_size=4), max_size=12), st.randoms())
def test_closures_do_not_depend_on_the_order(groups: list[set[str]], random) -> None:
    shuffled = groups[:]
    random.shuffle(shuffled)
    assert alias_closures(groups) == alias_closures(shuffled)


def test_pysec_is_preferred_then_cve_then_the_oldest() -> None:
    assert preferred_id(["GHSA-x", "CVE-2021-2", "PYSEC-2021-10", "PYSEC-2021-9"]) == "PYSEC-2021-9"
    assert preferred_id(["GHSA-x", "CVE-2021-2"]) == "CVE-2021-2"
    assert preferred_id(["GHSA-x"]) == "GHSA-x"
