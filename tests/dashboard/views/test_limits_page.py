"""Limits of services: set on a page, in force at the store, and refusals shown with who, why and how many."""

import pytest
from django.test import Client

from collectors.receivers.refusal_log import REFUSALS, RefusalLog
from dashboard.runtime.store import limits_by_service
from fleet.models import AuditEvent, ServiceLimit
from fleet.selectors.limits import forget_cached_limits
from telemetry.store.service_limits import ServiceLimit as Limit
from tests.dashboard.people import client_with_role

pytestmark = pytest.mark.django_db
PAGE = "/settings/limits"


@pytest.fixture(autouse=True)
def _nothing_noted():
    REFUSALS.clear()
    forget_cached_limits()
    yield
    REFUSALS.clear()
    forget_cached_limits()


@pytest.fixture
def client() -> Client:
    return client_with_role("operator")


def test_a_limit_is_in_force_at_once_and_lifted_again(client: Client) -> None:
    assert limits_by_service() == {}
    client.post(PAGE, {"service": "api", "new_series_per_hour": 10})
    assert limits_by_service() == {"api": Limit(None, 10, None)}
    client.post(PAGE, {"service": "api", "samples_per_second": 5})
    assert limits_by_service() == {"api": Limit(None, None, 5)}
    client.post(f"{PAGE}/{ServiceLimit.objects.get().pk}/lift")
    assert limits_by_service() == {}
    actions = AuditEvent.objects.filter(object_type="service_limit").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["limits.set", "limits.set", "limits.lifted"]


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"service": "api"}, "Set at least one limit."),
        ({"service": "api", "samples_per_second": 0}, "greater than or equal to 1"),
        ({"max_series": 5}, "This field is required."),
    ],
)
def test_a_limit_that_says_nothing_is_refused(client: Client, form: dict[str, object], sentence: str) -> None:
    assert sentence in client.post(PAGE, form).content.decode()
    assert not ServiceLimit.objects.exists()


def test_refusals_are_shown_as_text_with_the_newest_first(client: Client) -> None:
    REFUSALS.note("laptop", "prometheus", "too_many_series", 3, "up{} would be series 6")
    REFUSALS.note("ci<b>", "loki", "invalid", 1, "<script>")
    REFUSALS.note("laptop", "prometheus", "too_many_series", 4, "down{} would be series 6")
    page = client.get(PAGE)
    assert [(one.token, one.count) for one in page.context["refusals"]] == [("laptop", 7), ("ci<b>", 1)]
    assert "down{} would be series 6" in page.content.decode()
    assert b"<script>" not in page.content.split(b"What the sender was told last")[1].split(b"</table>")[0]


def test_the_log_of_refusals_is_bounded() -> None:
    log = RefusalLog()
    for number in range(600):
        log.note(f"token-{number}", "loki", "invalid", 1, "no")
    assert len(log.newest()) == 500
    assert log.newest()[0].token == "token-599"


def test_only_who_may_changes_limits() -> None:
    viewer = client_with_role("security_reviewer")
    assert viewer.post(PAGE, {"service": "api", "max_series": 1}).status_code == 403
