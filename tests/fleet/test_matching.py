"""Versions meet advisories as OSV says; what cannot be compared is unknown."""

import json
import zipfile
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from fleet.matching import PackageAdvisories, compile_range
from fleet.osv import AffectedRange, OsvRecord, RangeEvent, read_record

ADVISORIES = Path(__file__).resolve().parents[3] / "shared" / "data" / "advisories"


def record(osv_id: str, *events: dict[str, str], **fields: object) -> OsvRecord:
    affected = {"package": {"ecosystem": "PyPI", "name": "thing"}, "versions": fields.pop("versions", [])}
    if events:
        affected["ranges"] = [{"type": fields.pop("type", "ECOSYSTEM"), "events": list(events)}]
    return read_record({"id": osv_id, "affected": [affected], **fields})


def affected(version: str, *records: OsvRecord) -> list[str]:
    verdict = PackageAdvisories("PyPI", "thing", records).verdict(version)
    assert verdict.undecided == ()
    return [problem.advisory_id for problem in verdict.problems]


@pytest.mark.parametrize(
    ("events", "inside", "outside"),
    [
        ([{"introduced": "0"}, {"fixed": "1.2"}], ["0.1", "0", "1.2rc1", "1.2.dev0", "1.1.post3"], ["1.2", "1.2.0"]),
        ([{"introduced": "1.0"}, {"last_affected": "1.4"}], ["1.0", "1.4", "1.4.0", "1.4+cpu"], ["0.9", "1.4.post1"]),
        ([{"introduced": "1.4"}, {"last_affected": "1.4"}], ["1.4"], ["1.3", "1.4.1"]),
        ([{"introduced": "3"}], ["3", "99"], ["2.9", "3rc1"]),
        ([{"fixed": "1.2"}], ["1.1"], ["1.2"]),
        ([{"introduced": "2"}, {"fixed": "2.5"}, {"introduced": "0"}, {"fixed": "1.2"}], ["1.1", "2.4"], ["1.2"]),
        ([{"introduced": "0"}, {"fixed": "1"}, {"introduced": "1"}, {"fixed": "2"}], ["0.5", "1", "1.5"], ["2"]),
        ([{"introduced": "1"}, {"fixed": "1"}], [], ["0", "1", "2"]),
        ([{"introduced": "0"}, {"limit": "2"}], ["1.9"], ["2", "3"]),
        ([{"introduced": "0"}, {"limit": "*"}], ["1.9", "3"], []),
        ([{"introduced": "0"}, {"fixed": "1!1.0"}], ["5", "2024.1"], ["1!1.0"]),
    ],
)  # fmt: skip
def test_a_range_contains_what_its_events_say(
    events: list[dict[str, str]], inside: list[str], outside: list[str]
) -> None:
    advisory = record("PYSEC-1", *events)
    assert [version for version in inside + outside if affected(version, advisory)] == inside


def test_a_listed_version_is_affected_whatever_the_ranges_say() -> None:
    advisory = record("PYSEC-1", {"introduced": "0"}, {"fixed": "1"}, versions=["1.5", "2.0.0-final"])
    assert affected("1.5.0", advisory) == ["PYSEC-1"]
    assert affected("1.5+local", advisory) == ["PYSEC-1"]
    assert affected("2.0.0-final", advisory) == ["PYSEC-1"]
    assert affected("1.6", advisory) == []


def test_git_ranges_say_nothing_about_versions() -> None:
    assert affected("1", record("PYSEC-1", {"introduced": "0"}, type="GIT")) == []


def test_a_withdrawn_advisory_affects_nothing() -> None:
    assert affected("1", record("PYSEC-1", {"introduced": "0"}, withdrawn="2024-01-01T00:00:00Z")) == []


@pytest.mark.parametrize("version", ["", "not a version", "1.0-final-build"])
def test_a_version_without_order_is_undecided_and_not_clean(version: str) -> None:
    verdict = PackageAdvisories("PyPI", "thing", [record("PYSEC-1", {"introduced": "0"})]).verdict(version)
    assert verdict.problems == ()
    assert "PYSEC-1" in verdict.undecided[0]


def test_a_fix_without_order_is_undecided_and_not_clean() -> None:
    advisory = record("PYSEC-1", {"introduced": "0"}, {"fixed": "0.2.0-n653"}, versions=["0.1"])
    advisories = PackageAdvisories("PyPI", "thing", [advisory])
    assert advisories.verdict("0.3").undecided == ("PYSEC-1: its fixed version '0.2.0-n653' cannot be compared",)
    assert [problem.advisory_id for problem in advisories.verdict("0.1").problems] == ["PYSEC-1"]


def test_another_ecosystem_is_refused_by_name() -> None:
    assert PackageAdvisories("Bitnami", "left-pad", []).verdict("1.0").undecided == (
        "versions of Bitnami packages cannot be compared yet",
    )


def test_one_problem_under_several_names_is_one_problem() -> None:
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
    problems = PackageAdvisories(
        "PyPI",
        "thing",
        [
            record("GHSA-1", {"introduced": "0"}, {"fixed": "2"}, aliases=["CVE-1"], summary="From GitHub",
                   severity=[{"type": "CVSS_V3", "score": vector}]),
            record("PYSEC-1", {"introduced": "0"}, {"fixed": "1.9"}, aliases=["CVE-1"], summary="From PyPA"),
            record("PYSEC-2", {"introduced": "0"}, aliases=["CVE-2"]),
        ],
    ).verdict("1").problems  # fmt: skip
    assert [problem.advisory_id for problem in problems] == ["PYSEC-1", "PYSEC-2"]
    first = problems[0]
    assert first.ids == ("CVE-1", "GHSA-1", "PYSEC-1")
    assert (first.summary, first.severity.score, first.fix_versions) == ("From PyPA", 9.8, ("1.9", "2"))


def test_a_problem_keeps_its_name_from_version_to_version() -> None:
    advisories = PackageAdvisories(
        "PyPI",
        "thing",
        [
            record("PYSEC-1", {"introduced": "0"}, {"fixed": "1"}, aliases=["CVE-1"]),
            record("GHSA-1", {"introduced": "0"}, aliases=["CVE-1"]),
        ],
    )
    for version in ("0.5", "1.5"):
        (problem,) = advisories.verdict(version).problems
        assert (problem.advisory_id, problem.ids) == ("PYSEC-1", ("CVE-1", "GHSA-1", "PYSEC-1"))


def test_among_equal_names_that_of_an_affecting_advisory_is_shown() -> None:
    advisories = PackageAdvisories(
        "PyPI",
        "thing",
        [
            record("PYSEC-1", {"introduced": "0"}, {"fixed": "1"}, aliases=["CVE-1"]),
            record("PYSEC-2", {"introduced": "1"}, aliases=["CVE-1"]),
        ],
    )
    assert [problem.advisory_id for problem in advisories.verdict("1.5").problems] == ["PYSEC-2"]


@lru_cache(maxsize=1)
def real_advisories() -> dict[str, list[OsvRecord]]:
    found: dict[str, list[OsvRecord]] = {}
    with zipfile.ZipFile(ADVISORIES / "pypa" / "all.zip") as archive:
        for name in archive.namelist():
            advisory = read_record(json.loads(archive.read(name)))
            for _, package in advisory.packages:
                found.setdefault(package, []).append(advisory)
    return found


def test_every_case_of_the_real_advisories_matches() -> None:
    if not ADVISORIES.is_dir():
        pytest.skip(f"{ADVISORIES} is not here")
    cases = json.loads((ADVISORIES / "osv_match_cases.json").read_text())
    assert len(cases) == 684
    wrong = []
    for case in cases:
        advisories = PackageAdvisories("PyPI", case["package"], real_advisories().get(case["package"], []))
        found = sorted(advisory.osv_id for advisory in advisories.affecting(case["version"]))
        if found != sorted(case["expected"]):
            wrong.append((case["package"], case["version"], found, case["expected"]))
    assert wrong == []


def test_every_version_that_the_real_advisories_list_is_found_affected() -> None:
    if not ADVISORIES.is_dir():
        pytest.skip(f"{ADVISORIES} is not here")
    for package, records in real_advisories().items():
        advisories = PackageAdvisories("PyPI", package, records)
        listing: dict[str, set[str]] = {}
        for advisory in advisories.records():
            for version in (version for entry in advisory.affected for version in entry.versions):
                listing.setdefault(version, set()).add(advisory.osv_id)
        for version, expected in listing.items():
            assert expected <= {advisory.osv_id for advisory in advisories.affecting(version)}, (package, version)


VERSIONS = st.integers(0, 6).map(str)
EVENTS = st.lists(st.tuples(st.sampled_from(["introduced", "fixed", "last_affected"]), VERSIONS), max_size=6)


@given(EVENTS, VERSIONS, st.randoms())
def test_the_order_of_events_does_not_matter(events: list[tuple[str, str]], version: str, random) -> None:
    def contains(ordered: list[tuple[str, str]]) -> bool:
        given_range = AffectedRange("ECOSYSTEM", tuple(RangeEvent(*event) for event in ordered))
        return compile_range(given_range).contains(Version(version))

    shuffled = events[:]
    random.shuffle(shuffled)
    assert contains(events) == contains(shuffled)


@given(st.lists(VERSIONS, min_size=1, max_size=6, unique=True), VERSIONS)
def test_alternating_events_are_evaluated_like_the_published_algorithm(points: list[str], version: str) -> None:
    ordered = sorted(points, key=Version)
    events = [("introduced" if index % 2 == 0 else "fixed", point) for index, point in enumerate(ordered)]
    vulnerable = False
    for kind, point in events:
        if Version(version) >= Version(point):
            vulnerable = kind == "introduced"
    given_range = AffectedRange("ECOSYSTEM", tuple(RangeEvent(*event) for event in events))
    assert compile_range(given_range).contains(Version(version)) is vulnerable
