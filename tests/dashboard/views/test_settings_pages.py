"""The settings pages: who may change what, and that a mistake says what is wrong."""

import pytest

from fleet.models import AuditEvent, Job, MappingRule, Service, Target, Team
from telemetry.store import TelemetryStore
from tests.dashboard.people import client_with_role

pytestmark = pytest.mark.django_db

PAGES = (
    "/settings", "/settings/senders", "/settings/targets", "/settings/services", "/settings/mapping",
    "/settings/advisories", "/settings/health",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_every_settings_page_opens_without_any_data(store: TelemetryStore, path: str) -> None:
    assert client_with_role("administrator").get(path).status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_a_cost_viewer_has_no_settings(path: str) -> None:
    assert client_with_role("cost_viewer").get(path).status_code == 403


def test_a_target_is_added_paused_and_removed() -> None:
    operator = client_with_role("operator")
    operator.post("/settings/targets", {"url": "http://api:9100/metrics", "job": "node"})
    target = Target.objects.get()
    operator.post(f"/settings/targets/{target.pk}", {"do": "pause"})
    assert Target.objects.get().enabled is False
    operator.post(f"/settings/targets/{target.pk}", {"do": "remove"})
    assert not Target.objects.exists()
    assert set(AuditEvent.objects.values_list("actor", flat=True)) == {"user:operator-user"}


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://api/metrics", "starts with http:// or https://"),
        ("http:///metrics", "names a host"),
        ("http://api:port/metrics", "this is no address"),
        ("http://ada:secret@api/metrics", "must not hold a password"),
    ],
)
def test_an_address_that_cannot_be_scraped_is_refused_beside_the_field(url: str, sentence: str) -> None:
    answer = client_with_role("operator").post("/settings/targets", {"url": url, "job": "node"})
    assert sentence in answer.content.decode()
    assert not Target.objects.exists()


def test_the_built_in_target_stays() -> None:
    target = Target.objects.create(url="http://127.0.0.1:8000/metrics", job="belvedere", builtin=True)
    assert client_with_role("operator").post(f"/settings/targets/{target.pk}", {"do": "remove"}).status_code == 400
    assert Target.objects.exists()


def test_a_rule_that_cannot_work_says_why(store: TelemetryStore) -> None:
    form = {"signal": "any", "label": "pod", "pattern": "(", "service_name": "x", "position": "1"}
    answer = client_with_role("operator").post("/settings/mapping", form)
    assert "This rule cannot work" in answer.content.decode()
    assert not MappingRule.objects.exists()


def test_a_rule_comes_and_goes(store: TelemetryStore) -> None:
    operator = client_with_role("operator")
    form = {"signal": "any", "label": "pod", "pattern": "(web)-.*", "service_name": "\\1", "position": "1"}
    assert operator.post("/settings/mapping", form).status_code == 302
    operator.post(f"/settings/mapping/{MappingRule.objects.get().pk}/remove")
    assert not MappingRule.objects.exists()


def test_a_service_gets_a_team() -> None:
    operator = client_with_role("operator")
    service = Service.objects.create(name="api")
    operator.post("/settings/teams", {"name": "Payments"})
    team = Team.objects.get()
    operator.post(
        f"/settings/services/{service.pk}",
        {"team": team.pk, "description": "takes money", "runbook_url": "", "internet_facing": "true"},
    )
    service.refresh_from_db()
    assert (service.team, service.internet_facing) == (team, True)


def test_a_runbook_that_is_a_script_is_refused() -> None:
    service = Service.objects.create(name="api")
    form = {"runbook_url": "javascript:alert(1)", "internet_facing": "unknown"}
    answer = client_with_role("operator").post(f"/settings/services/{service.pk}", form)
    assert answer.status_code == 200
    service.refresh_from_db()
    assert service.runbook_url == ""


def test_listing_services_costs_the_same_however_many(django_assert_max_num_queries) -> None:
    for number in range(40):
        Service.objects.create(name=f"s{number}", team=Team.objects.create(name=f"t{number}"))
    operator = client_with_role("operator")
    operator.get("/settings/services")
    with django_assert_max_num_queries(12):
        operator.get("/settings/services")


def test_fetching_feeds_twice_in_a_minute_is_one_job() -> None:
    administrator = client_with_role("administrator")
    administrator.post("/settings/advisories/fetch")
    administrator.post("/settings/advisories/fetch")
    assert Job.objects.filter(kind="advisories.fetch").count() == 1


def test_markup_in_a_service_name_is_text(store: TelemetryStore) -> None:
    Service.objects.create(name="<script>alert(1)</script>")
    assert "<script>alert" not in client_with_role("operator").get("/settings/services").content.decode()
