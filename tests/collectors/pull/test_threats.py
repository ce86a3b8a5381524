"""Feeds of exploitation are taken whole or not at all, and are known by their age."""

import gzip
import json
from pathlib import Path

import pytest

from collectors.outbound import OutboundError
from collectors.pull.threats import import_epss_feed, import_kev_feed
from fleet.actions.threats import EPSS, KEV
from fleet.models import AdvisoryFeed, ExploitPrediction, KnownExploited
from fleet.selectors.threats import Threat, threats_of

pytestmark = pytest.mark.django_db

SECURITY = Path(__file__).resolve().parents[4] / "shared" / "data" / "security"
HEAD = "#model_version:v2025.03.14,score_date:2026-11-20T00:00:00+0000\ncve,epss,percentile\n"


def epss(folder: Path, *lines: str, head: str = HEAD, end: str = "\n") -> str:
    path = folder / "epss.csv"
    path.write_text(head + "\n".join(lines) + end)
    return str(path)


def kev(folder: Path, *cves: str, **fields: object) -> str:
    entries = [
        {"cveID": cve, "dateAdded": "2026-01-02", "dueDate": "2026-01-23", "knownRansomwareCampaignUse": "Known"}
        for cve in cves
    ]
    path = folder / "kev.json"
    path.write_text(json.dumps({"dateReleased": "2026-11-01T00:00:00Z", "vulnerabilities": entries, **fields}))
    return str(path)


def test_scores_are_kept_and_follow_the_feed(tmp_path: Path) -> None:
    import_epss_feed(epss(tmp_path, "CVE-2020-0001,0.5,0.9", "CVE-2020-0002,0.1,0.2"), actor="test")
    packed = tmp_path / "epss.csv.gz"
    packed.write_bytes(gzip.compress((HEAD + "CVE-2020-0001,0.7,0.95\n").encode()))
    outcome = import_epss_feed(str(packed), actor="test")
    assert (outcome.read, outcome.changed, outcome.removed) == (1, 1, 1)
    assert threats_of(["CVE-2020-0001", "CVE-2020-0002", "GHSA-x"]) == {"CVE-2020-0001": Threat(0.7, 0.95)}
    feed = AdvisoryFeed.objects.get(name=EPSS)
    assert (feed.kind, feed.newest_modified.date().isoformat()) == ("threats", "2026-11-20")


def test_the_catalogue_says_since_when_a_problem_is_exploited(tmp_path: Path) -> None:
    import_kev_feed(kev(tmp_path, "CVE-2020-0001", "CVE-2020-0002"), actor="test")
    import_kev_feed(kev(tmp_path, "CVE-2020-0001", count=1), actor="test")
    found = threats_of(["CVE-2020-0001", "CVE-2020-0002"])
    assert [(cve, str(threat.kev_added_on), threat.ransomware) for cve, threat in found.items()] == [
        ("CVE-2020-0001", "2026-01-02", True)
    ]


@pytest.mark.parametrize(
    ("lines", "end", "sentence"),
    [
        (["CVE-2020-0001,0.5,0.9", "CVE-2020-0002,0.1"], "\n", "line 4 has 2 of 3 columns"),
        (["CVE-2020-0001,0.5,0.9", "CVE-2020-0002,0.1,0.2"], "", "its last line has no end"),
        (["CVE-2020-0001,1.5,0.9"], "\n", "not between 0 and 1"),
        (["CVE-2020-0001,high,0.9"], "\n", "is no number"),
        (["<b>,0.5,0.9"], "\n", "is no CVE"),
        ([], "", "no EPSS score"),
        (["CVE-2020-0001,0.5,0.9"], "\n", "where 3 are known, so it was cut off"),
    ],
)
def test_broken_scores_leave_the_old_ones_whole(tmp_path: Path, lines: list[str], end: str, sentence: str) -> None:
    import_epss_feed(epss(tmp_path, *(f"CVE-2020-000{n},0.5,0.9" for n in range(3))), actor="test")
    with pytest.raises(ValueError, match=sentence):
        import_epss_feed(epss(tmp_path, *lines, end=end), actor="test")
    assert ExploitPrediction.objects.count() == 3
    assert AdvisoryFeed.objects.get(name=EPSS).last_error


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"vulnerabilities": [{"cveID"', "broken JSON"),
        ('{"vulnerabilities": []}', "no list of 1 to"),
        ('{"count": 2, "vulnerabilities": [{"cveID": "CVE-2020-1", "dateAdded": "2026-01-02"}]}', "counts 2"),
        ('{"vulnerabilities": [{"cveID": "CVE-2020-1"}]}', "no dateAdded"),
    ],
)
def test_a_broken_catalogue_leaves_the_old_one_whole(tmp_path: Path, text: str, sentence: str) -> None:
    import_kev_feed(kev(tmp_path, "CVE-2020-0001"), actor="test")
    (tmp_path / "broken.json").write_text(text)
    with pytest.raises(ValueError, match=sentence):
        import_kev_feed(str(tmp_path / "broken.json"), actor="test")
    assert KnownExploited.objects.get().cve == "CVE-2020-0001"
    assert AdvisoryFeed.objects.get(name=KEV).last_error


@pytest.mark.skipif(not SECURITY.exists(), reason="the sample files are not here")
def test_the_real_feeds_are_read() -> None:
    catalogue = import_kev_feed(str(SECURITY / "kev" / "known_exploited_vulnerabilities.json"), actor="test")
    scores = import_epss_feed(str(SECURITY / "epss" / "epss_kev_nvd.csv"), actor="test")
    assert (catalogue.read, KnownExploited.objects.count()) == (1404, 1404)
    assert scores.read == ExploitPrediction.objects.count() > 1000


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises((ValueError, OSError, OutboundError), match=r"nowhere\.csv"):
        import_epss_feed(str(tmp_path / "nowhere.csv"), actor="test")
