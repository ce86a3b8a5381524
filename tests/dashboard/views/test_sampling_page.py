"""Sampling is set on a page, in force at once, and said wherever counts are shown."""

from collections.abc import Iterator

import pytest
from django.test import Client

from dashboard.runtime.log_care import log_rules_now
from fleet.models import AuditEvent, SamplingRule, Service
from fleet.selectors.log_care import forget_cached_log_care
from telemetry.store import TelemetryStore
from tests.dashboard.people import client_with_role

pytestmark = pytest.mark.django_db
PAGE = "/settings/sampling"
RULE = {"service": "api", "severity_max": 12, "pattern": "^GET /healthz", "keep_one_in": 10}


@pytest.fixture
def client(store: TelemetryStore) -> Iterator[Client]:
    forget_cached_log_care()
    yield client_with_role("operator")
    forget_cached_log_care()


def test_a_rule_is_in_force_at_once_shown_with_its_author_and_removed_again(client: Client) -> None:
    Service.objects.create(name="api")
    assert not log_rules_now().sampling.is_on
    client.post(PAGE, RULE)
    assert log_rules_now().sampling.is_on
    rule = SamplingRule.objects.get()
    for page in ("/logs", "/logs?service=api", "/services/api"):
        shown = client.get(page).content.decode()
        assert "api is sampled:" in shown, page
        assert f"by {rule.created_by}" in shown
    assert "is sampled:" not in client.get("/logs?service=db").content.decode()
    client.post(f"{PAGE}/{rule.pk}/remove")
    assert not log_rules_now().sampling.is_on
    actions = AuditEvent.objects.filter(object_type="sampling_rule").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["sampling.added", "sampling.removed"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"keep_one_in": 1}, "greater than or equal to 2"),
        ({"pattern": "(?=a)"}, "RE2 does not take it"),
        ({"severity_max": 17}, "Select a valid choice"),
    ],
)
def test_a_rule_that_cannot_be_meant_says_why(client: Client, change: dict[str, object], sentence: str) -> None:
    assert sentence in client.post(PAGE, {**RULE, **change}).content.decode()
    assert not SamplingRule.objects.exists()


def test_only_who_may_changes_sampling(client: Client) -> None:
    rule = SamplingRule.objects.create(service="api", keep_one_in=2, created_by="user:x")
    viewer = client_with_role("security_reviewer")
    assert viewer.post(PAGE, RULE).status_code == 403
    assert viewer.post(f"{PAGE}/{rule.pk}/remove").status_code == 403
