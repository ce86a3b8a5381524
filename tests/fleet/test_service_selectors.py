"""What lists show of services costs a fixed number of queries."""

from datetime import UTC, datetime, timedelta

import pytest

from fleet.actions.services import change_service
from fleet.models import AuditEvent, Deployment, Environment, Finding, Service, Team
from fleet.selectors.services import newest_deployments, open_findings_by_service

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def production() -> Environment:
    return Environment.objects.create(name="production", production=True)


def finding(service: Service, environment: Environment, number: int, score: float | None, **values: object) -> Finding:
    return Finding.objects.create(
        service=service,
        environment=environment,
        ecosystem="PyPI",
        package="django",
        advisory_id=f"PYSEC-{number}",
        severity_score=score,
        first_seen_at=NOON,
        last_seen_at=NOON,
        **values,
    )


def test_the_newest_deployment_of_each_service(production: Environment, django_assert_num_queries) -> None:
    for name in ("a", "b", "c"):
        service = Service.objects.create(name=name)
        for hours in (2, 0, 1):
            Deployment.objects.create(
                service=service,
                environment=production,
                version=f"{name}{hours}",
                deployed_at=NOON - timedelta(hours=hours),
            )
    with django_assert_num_queries(1):
        versions = sorted(row.version for row in newest_deployments().values())
    assert versions == ["a0", "b0", "c0"]


def test_open_findings_are_counted_by_severity(production: Environment, django_assert_num_queries) -> None:
    service = Service.objects.create(name="a")
    for number, score in enumerate([9.8, 9.0, 7.5, 5.0, 0.1, None]):
        finding(service, production, number, score)
    finding(service, production, 99, 9.9, state=Finding.State.FIXED)
    with django_assert_num_queries(1):
        counts = open_findings_by_service()[service.pk]
    assert (counts.critical, counts.high, counts.medium, counts.low, counts.unrated, counts.total) == (2, 1, 1, 1, 1, 6)


def test_a_change_tells_before_and_after() -> None:
    service = Service.objects.create(name="a")
    team = Team.objects.create(name="Payments")
    change_service(service=service, values={"team": team, "description": ""}, actor="user:ada")
    event = AuditEvent.objects.get()
    assert event.detail == {"before": {"team": None}, "after": {"team": "Payments"}}
