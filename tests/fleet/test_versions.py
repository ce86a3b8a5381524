"""Versions of each ecosystem are in its own order; what is none is refused."""

from itertools import pairwise

import pytest

from fleet.matching import PackageAdvisories
from fleet.osv import read_record
from fleet.versions import is_comparable, parse_version


@pytest.mark.parametrize(
    ("ecosystem", "ascending"),
    [
        # The example of semver.org, item 11.
        ("npm", "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0"),
        ("Go", "v0.0.0-20190101000000-aaaaaaaaaaaa v0.0.1 1.2.3 v1.10.0"),
        ("Maven", "1.0-alpha-1 1.0-beta-1 1.0-rc1 1.0 1.0.1 1.2 1.10"),
        ("Debian:12", "1.0~rc1-1 1.0-1 1.0-1+deb12u1 1.0-2 1.2-1 1.10-1 1:0.1-1"),
        ("Red Hat:9", "1.0-1.el9 1.0-2.el9 1.2-1.el9 1.10-1.el9 1:0.1-1.el9"),
        ("RubyGems", "1.0.0.pre 1.0.0 1.2.0 1.10.0"),
        ("NuGet", "1.0.0-beta 1.0.0 1.2.0 1.10.0"),
        ("PyPI", "1.0.dev1 1.0a1 1.0 1.0.post1 1.2 1.10"),
    ],
)  # fmt: skip
def test_versions_are_in_the_order_of_their_ecosystem(ecosystem: str, ascending: str) -> None:
    parsed = [parse_version(ecosystem, text) for text in ascending.split()]
    assert None not in parsed
    assert all(former < later for former, later in pairwise(parsed))
    assert all(not later < former for former, later in pairwise(parsed))


@pytest.mark.parametrize(
    ("ecosystem", "text"),
    [("npm", "1.0"), ("npm", "latest"), ("npm", "01.0.0"), ("Go", "master"), ("Maven", "${version}"), ("Debian", ""),
     ("PyPI", "1.0-final-build"), ("NuGet", "one"), ("Bitnami", "1.0.0"), ("npm", "1.0.0-" + "a" * 300)],
)  # fmt: skip
def test_what_is_no_version_is_refused_and_not_guessed(ecosystem: str, text: str) -> None:
    assert parse_version(ecosystem, text) is None


def test_builds_do_not_count_in_semantic_versions() -> None:
    assert parse_version("npm", "1.0.0+a") == parse_version("npm", "1.0.0+b")


def test_ecosystems_of_which_we_are_unsure_are_refused_by_name() -> None:
    assert is_comparable("Debian:12")
    assert not is_comparable("Alpine:v3.18")
    verdict = PackageAdvisories("Alpine:v3.18", "musl", []).verdict("1.2-r1")
    assert verdict.undecided == ("versions of Alpine:v3.18 packages cannot be compared yet",)


@pytest.mark.parametrize(
    ("ecosystem", "kind", "fixed", "affected", "safe"),
    [
        ("npm", "SEMVER", "1.10.0", ["1.9.0", "1.10.0-rc.1"], ["1.10.0", "2.0.0"]),
        ("Go", "SEMVER", "1.10.0", ["v1.9.0"], ["v1.10.0"]),
        ("Maven", "ECOSYSTEM", "2.15.0", ["2.14.1", "2.15.0-rc1"], ["2.15.0", "2.17.1"]),
        ("Debian:12", "ECOSYSTEM", "3.0.9-1+deb12u1", ["3.0.9-1", "3.0.8-2"], ["3.0.9-1+deb12u1", "3.0.10-1"]),
    ],
)
def test_ranges_of_every_ecosystem_are_held_against_versions(
    ecosystem: str, kind: str, fixed: str, affected: list[str], safe: list[str]
) -> None:
    events = [{"introduced": "0"}, {"fixed": fixed}]
    package = {"ecosystem": ecosystem, "name": "thing"}
    advisory = read_record(
        {"id": "GHSA-1", "affected": [{"package": package, "ranges": [{"type": kind, "events": events}]}]}
    )
    advisories = PackageAdvisories(ecosystem, "thing", [advisory])
    verdicts = {version: advisories.verdict(version) for version in affected + safe}
    assert all(not verdict.undecided for verdict in verdicts.values())
    assert [version for version, verdict in verdicts.items() if verdict.problems] == affected
    assert verdicts[affected[0]].problems[0].fix_versions == (fixed,)
