"""The page of a service, whatever it is called."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from dashboard.views.addresses import service_path
from fleet.models import Service, Target
from telemetry.store import TelemetryStore, set_current
from tests.dashboard.people import client_with_role
from tests.dashboard.views.fleet_data import deploy, make_services, send_logs, send_metrics

pytestmark = pytest.mark.django_db

ODD_NAMES = (
    "a/b",
    "/lead",
    "trail/",
    "a//b",
    "sp ace",
    "q?x=1#f",
    "100%",
    "батарея",
    ".",
    "..",
    "a\nb",
    "<b>",
    "'\"&",
    "%2e%2e",
)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_service_of_any_name_has_a_page(store: TelemetryStore, name: str) -> None:
    Service.objects.create(name=name)
    answer = client_with_role("operator").get(service_path(name))
    assert answer.status_code == 200
    assert answer.context["service"].name == name


@given(st.text(min_size=1, max_size=20))
def test_an_address_of_a_service_has_one_path_and_no_dots_to_follow(name: str) -> None:
    path = service_path(name)
    assert path.isascii()
    assert path.split("?")[0].count("/") == 2
    assert not path.endswith(("/.", "/.."))


def test_an_unknown_service_is_not_found(store: TelemetryStore) -> None:
    assert client_with_role("operator").get("/services/nobody").status_code == 404


def test_the_page_draws_signals_with_marks_of_deployments(store: TelemetryStore) -> None:
    (service,) = make_services("checkout")
    send_metrics(store, ["checkout"], failing=0.1)
    deploy(service, "2.7.1")
    answer = client_with_role("operator").get("/services/checkout?from=now-1h")
    figures = dict(answer.context["telemetry"].figures)
    assert {"requests", "errors", "memory"} <= set(figures)
    assert [note["hovertext"] for note in figures["requests"]["layout"]["annotations"]] == ["2.7.1 in production"]
    assert "Latency" in answer.context["telemetry"].missing
    assert answer.content.decode().count("data-figure=") == len(figures)


def test_log_records_are_shown_as_text(store: TelemetryStore) -> None:
    make_services("checkout")
    send_logs(store, "checkout", "<script>alert(1)</script>\x1b[31m\u202eevil")
    page = client_with_role("operator").get("/services/checkout").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_a_service_that_never_sent_anything_says_what_to_do(store: TelemetryStore) -> None:
    make_services("quiet")
    page = client_with_role("administrator").get("/services/quiet").content.decode()
    assert "/api/deployments" in page
    assert "pip-audit" in page
    assert "/settings/senders" in page


def test_the_page_stands_without_telemetry() -> None:
    set_current(None)
    make_services("checkout")
    answer = client_with_role("operator").get("/services/checkout")
    assert answer.status_code == 200
    assert "Telemetry could not be read" in answer.content.decode()


def test_more_rows_cost_no_more_queries(store: TelemetryStore) -> None:
    (service,) = make_services("checkout")
    client = client_with_role("administrator")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/services/checkout").status_code == 200
        return len(captured)

    deploy(service, "1.0")
    queries()
    few = queries()
    for number in range(6):
        deploy(service, f"1.{number + 1}")
        Target.objects.create(job="checkout", url=f"http://localhost:{9000 + number}/metrics", service=service)
    assert queries() == few


def test_a_cost_viewer_may_not_open_it(store: TelemetryStore) -> None:
    make_services("checkout")
    assert client_with_role("cost_viewer").get("/services/checkout").status_code == 403
