"""The security page: every number opens its rows, and what is not known is never called clean."""

from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.models import AdvisoryFeed, AuditReport, Component, Environment, Finding, Service
from tests.dashboard.people import client_with_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> tuple[Service, Environment]:
    return Service.objects.create(name="api"), Environment.objects.create(name="production")


def finding(place: tuple[Service, Environment], number: int, score: float | None, **values: object) -> Finding:
    now = timezone.now()
    return Finding.objects.create(
        service=place[0], environment=place[1], ecosystem="PyPI", package=f"package-{number}", version="1.0",
        advisory_id=f"PYSEC-2024-{number}", severity_score=score, first_seen_at=now, last_seen_at=now, **values,
    )  # fmt: skip


def report(place: tuple[Service, Environment], *skipped: str, audited: int = 0) -> None:
    made = AuditReport.objects.create(service=place[0], environment=place[1], format="pip-audit", sha256="0")
    for number in range(audited):
        Component.objects.create(report=made, ecosystem="PyPI", name=f"p{number}", version="1")
    for reason in skipped:
        Component.objects.create(report=made, ecosystem="PyPI", name="private", version="1", skip_reason=reason)


def feed(days_old: int) -> AdvisoryFeed:
    moment = timezone.now() - timedelta(days=days_old)
    return AdvisoryFeed.objects.create(
        name="PyPI", source="all.zip", imported_at=moment, newest_modified=moment, advisories=100
    )


def page(query: str = "") -> str:
    return client_with_role("security_reviewer").get(f"/security{query}").content.decode()


def test_without_advisories_nothing_is_called_clean(place: tuple[Service, Environment]) -> None:
    report(place, audited=3)
    shown = page()
    assert "nothing here can be called clean" in shown
    assert "No open findings" not in shown


def test_with_advisories_and_audits_no_finding_is_no_open_finding(place: tuple[Service, Environment]) -> None:
    report(place, audited=3)
    feed(1)
    assert "No open findings" in page()


def test_an_old_feed_is_named_on_the_page(place: tuple[Service, Environment]) -> None:
    feed(400)
    assert "data 400 days old" in page()


def test_each_severity_opens_exactly_its_rows(place: tuple[Service, Environment]) -> None:
    for number, score in enumerate([9.8, 9.1, 7.0, 5.0, None]):
        finding(place, number, score)
    finding(place, 99, 9.9, state=Finding.State.FIXED)
    reviewer = client_with_role("security_reviewer")
    for word, count in {"critical": 2, "high": 1, "medium": 1, "low": 0, "unrated": 1}.items():
        answer = reviewer.get(f"/security?state=open&severity={word}")
        assert answer.context["page"].paginator.count == count, word
        assert answer.context["numbers"].by_severity[word] == count


def test_components_that_could_not_be_audited_are_unknown(place: tuple[Service, Environment]) -> None:
    report(place, "not on the index", "not on the index", "local path")
    shown = page()
    assert "not on the index" in shown
    assert "unknown, not clean" in shown


def test_the_page_costs_the_same_however_many_findings(
    place: tuple[Service, Environment], django_assert_max_num_queries
) -> None:
    for number in range(60):
        service = Service.objects.create(name=f"s{number}")
        finding((service, place[1]), number, 9.0)
    reviewer = client_with_role("security_reviewer")
    reviewer.get("/security")
    with django_assert_max_num_queries(20):
        reviewer.get("/security")


def test_the_csv_holds_every_row_and_no_formula(place: tuple[Service, Environment]) -> None:
    finding(place, 1, 9.8, summary="x")
    Finding.objects.update(package='=HYPERLINK("http://evil")')
    answer = client_with_role("security_reviewer").get("/security?format=csv")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert "'=HYPERLINK" in lines[1]


def test_a_cost_viewer_sees_no_findings() -> None:
    assert client_with_role("cost_viewer").get("/security").status_code == 403
