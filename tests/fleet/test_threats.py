"""Exploitation of a problem is looked up by all its names; what no feed says is unknown, not no."""

from datetime import date

import pytest

from fleet.models import ExploitPrediction, KnownExploited
from fleet.selectors.threats import known_threats

pytestmark = pytest.mark.django_db


def test_a_problem_is_exploited_if_any_of_its_names_is() -> None:
    ExploitPrediction.objects.create(cve="CVE-2020-1", score=0.2)
    ExploitPrediction.objects.create(cve="CVE-2020-2", score=0.9)
    KnownExploited.objects.create(cve="CVE-2020-2", added_on=date(2026, 1, 2))
    threats = known_threats(["GHSA-1", "CVE-2020-1", "CVE-2020-2"])
    assert (threats.epss(["GHSA-1", "CVE-2020-1", "CVE-2020-2"]), threats.epss(["GHSA-1"])) == (0.9, None)
    assert [threats.known_exploited([name]) for name in ("CVE-2020-1", "CVE-2020-2")] == [False, True]


def test_without_a_catalogue_nobody_knows_what_is_exploited() -> None:
    assert known_threats(["CVE-2020-1"]).known_exploited(["CVE-2020-1"]) is None
