"""Services appear from telemetry and deployments, once each."""

from datetime import UTC, datetime

import pytest

from fleet.actions.services import InvalidName, assign_team, discover_services, ensure_environment, record_deployment
from fleet.models import AuditEvent, Deployment, Service, Team

pytestmark = pytest.mark.django_db
NOON_MS = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp() * 1000)


def test_unknown_services_are_discovered_once() -> None:
    assert discover_services({"api": NOON_MS, "web": NOON_MS}) == 2
    assert discover_services({"api": NOON_MS + 1}) == 0
    assert Service.objects.count() == 2


def test_last_seen_only_moves_forward() -> None:
    discover_services({"api": NOON_MS})
    discover_services({"api": NOON_MS + 5000})
    discover_services({"api": NOON_MS - 5000})
    assert Service.objects.get(name="api").last_seen_at == datetime(2026, 11, 22, 12, 0, 5, tzinfo=UTC)


def test_discovery_costs_the_same_however_many_services(django_assert_max_num_queries) -> None:
    names = {f"service-{number}": NOON_MS for number in range(300)}
    discover_services(names)
    with django_assert_max_num_queries(6):
        discover_services(dict.fromkeys(names, NOON_MS + 1))


def test_a_deployment_is_recorded_once_with_an_audit_event() -> None:
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    arguments = {
        "service": "api",
        "environment": "production",
        "version": "1.2",
        "actor": "token:ci",
        "deployed_at": at,
    }
    _, created = record_deployment(**arguments)
    _, again = record_deployment(**arguments)
    assert (created, again) == (True, False)
    assert Deployment.objects.count() == 1
    assert AuditEvent.objects.filter(action="deployment.recorded").count() == 1


@pytest.mark.parametrize(("name", "production"), [("production", True), ("Prod", True), ("staging", False)])
def test_production_is_recognised_by_name(name: str, production: bool) -> None:
    assert ensure_environment(name).production is production


def test_a_name_that_is_too_long_says_the_limit() -> None:
    with pytest.raises(InvalidName, match="201 characters; the limit is 200"):
        record_deployment(service="x" * 201, environment="prod", version="1", actor="system")


def test_assigning_a_team_tells_what_changed() -> None:
    team = Team.objects.create(name="Payments")
    services = [Service.objects.create(name=name) for name in ("a", "b")]
    assert assign_team(services=services, team=team, actor="user:ada") == 2
    assert assign_team(services=services, team=team, actor="user:ada") == 0


@pytest.mark.parametrize("name", ["a\0b", "a\x1b[31m", "a\nb", "\x9b", "a\u202eb"])
@pytest.mark.parametrize("field", ["service", "environment", "version"])
def test_names_with_control_characters_are_refused(field: str, name: str) -> None:
    names = {"service": "api", "environment": "prod", "version": "1"} | {field: name}
    with pytest.raises(InvalidName, match=f"{field} .* has the character U\\+"):
        record_deployment(**names, actor="user:ada")
    assert not Deployment.objects.exists()


def test_free_text_of_a_deployment_loses_characters_that_a_database_cannot_hold() -> None:
    deployment, _ = record_deployment(
        service="api", environment="prod", version="1", commit="a\0b", description="x\0y\nz", actor="user:ada"
    )
    assert (deployment.commit, deployment.description) == ("ab", "xy\nz")
