"""Patterns and errors of the logs: what is new and gone, their lines, what people decide about errors."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.logged_errors import note_logged_errors
from dashboard.panels.log_patterns import loki_patterns, standing
from fleet.models import AuditEvent, Deployment, LoggedError
from telemetry.store import LogPattern, TelemetryStore, set_current
from tests.dashboard.people import client_with_role
from tests.dashboard.views.fleet_data import deploy, make_services, now_ms, send_logs

pytestmark = pytest.mark.django_db

TRACE = "Traceback (most recent call last):\n  File \"shop/cart.py\", line %d, in total\n    x\nKeyError: 'sku'"
MINUTE_MS = 60_000


@pytest.fixture
def client(store: TelemetryStore) -> Client:
    return client_with_role("operator")


def send_error(store: TelemetryStore, service: str, line: int = 1) -> None:
    send_logs(store, service, json.dumps({"event": "failed", "exception": TRACE % line}), severity=17)


def pattern(first_ms: int, last_ms: int) -> LogPattern:
    return LogPattern("api", (1,), "", "a <*>", "a 1", first_ms, last_ms)


DEPLOYED = 10_000 * MINUTE_MS


@pytest.mark.parametrize(
    ("first", "last", "now", "expected"),
    [
        (1, 5, 60, "new"),
        (0, 5, 60, "new"),
        (-60, -1, 60, "gone"),
        (-60, -1, 5, ""),  # too soon to say
        (-9000, -1441, 60, ""),  # it had been silent for a day
        (-60, 5, 60, ""),
    ],
)
def test_a_pattern_is_new_or_gone_by_the_last_deployment(first: int, last: int, now: int, expected: str) -> None:
    seen = pattern(DEPLOYED + first * MINUTE_MS, DEPLOYED + last * MINUTE_MS)
    assert standing(seen, DEPLOYED, DEPLOYED + now * MINUTE_MS) == expected
    assert standing(seen, None, DEPLOYED + now * MINUTE_MS) == ""


def test_patterns_are_listed_with_their_lines(store: TelemetryStore, client: Client) -> None:
    send_logs(store, "api", "order 1 placed", "order 2 placed", "<b>bold</b> line")
    answer = client.get("/logs/patterns")
    found = answer.context["found"]
    assert [(row.pattern.template, row.records) for row in found.rows] == [
        ("order <*> placed", 2),
        ("<b>bold</b> line", 1),
    ]
    assert "&lt;b&gt;bold" in answer.content.decode()


@pytest.mark.parametrize(
    "lines",
    [
        ["order 1 placed", "order 22 placed", "order cancelled"],
        ['{"event": "order 1 placed", "id": 1}', '{"id": 2, "event": "order 2 placed"}', '{"event": "other"}'],
        ["a (1) [x] 50% of $5 was paid?", "a (2) [x] 60% of $6 was paid?", "else"],
        ["GET /api/items/1 200", "GET /api/items/2 404", "else"],
    ],
)
def test_a_pattern_leads_to_exactly_its_lines(store: TelemetryStore, client: Client, lines: list[str]) -> None:
    send_logs(store, "api", *lines)
    send_logs(store, "web", *lines)
    [row] = [each for each in client.get("/logs/patterns?service=api").context["found"].rows if each.records == 2]
    page = client.get(f"/logs?pattern={row.pattern.name}").context["page"]
    assert [line.body for line in page.lines] == lines[1::-1]
    assert page.total == row.records


def test_a_pattern_that_is_not_there_is_a_clear_error(client: Client) -> None:
    assert "there is no pattern" in client.get("/logs?pattern=00000000000000ff").content.decode()
    assert "hexadecimal" in client.get("/logs?pattern=nonsense").content.decode()


def test_new_patterns_carry_the_release_they_came_with(store: TelemetryStore, client: Client) -> None:
    [api] = make_services("api")
    deploy(api, "1.4.2")
    Deployment.objects.update(deployed_at=datetime.fromtimestamp(now_ms() / 1000, UTC) - timedelta(hours=1))
    send_logs(store, "api", "never said before")
    answer = client.get("/logs/patterns?standing=new")
    assert [row.pattern.template for row in answer.context["found"].rows] == ["never said before"]
    assert "1.4.2" in answer.content.decode()


def test_the_list_of_patterns_costs_the_same_queries_however_many(store: TelemetryStore, client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get("/logs/patterns").status_code == 200
        return len(captured)

    send_logs(store, "api", "one")
    few = queries()
    for service in ("web", "db", "cart"):
        make_services(service)
        send_logs(store, service, "alpha", "beta gamma", "delta x y")
    assert queries() == few


def test_an_error_is_listed_once_with_its_services(store: TelemetryStore, client: Client) -> None:
    make_services("api", "web")
    for service, line in (("api", 1), ("web", 2), ("api", 3)):
        send_error(store, service, line)
    [row] = client.get("/logs/errors").context["found"].rows
    assert (row.error.type, row.error.culprit) == ("KeyError", "total in shop/cart.py")
    assert (row.services, row.occurrences) == (["api", "web"], 3)


def test_a_resolved_error_leaves_the_list_can_be_undone_and_comes_back(store: TelemetryStore, client: Client) -> None:
    make_services("api")
    send_error(store, "api")
    [row] = client.get("/logs/errors").context["found"].rows
    path = f"/logs/errors/{row.error.fingerprint}"
    answer = client.post(path, {"state": "resolved", "next": "/logs/errors"}, follow=True)
    assert answer.context["found"].rows == []
    assert answer.context["undo"]["before"] == "open"
    client.post(path, {"state": answer.context["undo"]["before"], "undo": "1"})
    assert LoggedError.objects.get().state == "open"
    client.post(path, {"state": "resolved"})
    LoggedError.objects.update(
        decided_at=datetime.fromtimestamp(now_ms() / 1000, UTC) - timedelta(hours=1),
        last_seen_at=datetime.fromtimestamp(now_ms() / 1000, UTC) - timedelta(hours=2),
    )
    note_logged_errors(store)
    again = LoggedError.objects.get()
    assert (again.state, again.reopened_at is not None) == ("open", True)
    actions = list(AuditEvent.objects.filter(object_type="logged error").values_list("action", flat=True))
    assert sorted(actions) == ["error.opened_again", "error.reopened", "error.resolved", "error.resolved"]


def test_an_ignored_error_stays_ignored_when_it_comes_again(store: TelemetryStore, client: Client) -> None:
    make_services("api")
    send_error(store, "api")
    note_logged_errors(store)
    error = LoggedError.objects.get()
    client.post(f"/logs/errors/{error.fingerprint}", {"state": "ignored"})
    send_error(store, "api", 2)
    note_logged_errors(store)
    assert LoggedError.objects.get().state == "ignored"


def test_who_may_only_read_decides_nothing(store: TelemetryStore, client: Client) -> None:
    make_services("api")
    send_error(store, "api")
    note_logged_errors(store)
    error = LoggedError.objects.get()
    reader = client_with_role("security_reviewer")
    assert reader.get("/logs/errors").context["may_manage"] is False
    assert reader.post(f"/logs/errors/{error.fingerprint}", {"state": "ignored"}).status_code == 403
    assert client.post(f"/logs/errors/{error.fingerprint}", {"state": "gone"}).status_code == 400
    assert client.post("/logs/errors/ffff", {"state": "open"}).status_code == 404


def test_releases_of_an_error_come_from_deployments(store: TelemetryStore, client: Client) -> None:
    [api] = make_services("api")
    deploy(api, "2.0.0")
    Deployment.objects.update(deployed_at=datetime.fromtimestamp(now_ms() / 1000, UTC) - timedelta(hours=1))
    send_error(store, "api")
    [row] = client.get("/logs/errors").context["found"].rows
    assert (row.first_release, row.last_release, row.since_release) == ("2.0.0", "2.0.0", True)


def test_the_list_of_errors_costs_the_same_queries_however_many(store: TelemetryStore, client: Client) -> None:
    def queries() -> int:
        note_logged_errors(store)
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/logs/errors").status_code == 200
        return len(captured)

    make_services("api", "web", "db")
    send_error(store, "api")
    few = queries()
    for service in ("api", "web", "db"):
        send_logs(store, service, "payment refused", f"disk of {service} is full", severity=17)
    assert queries() == few


def test_a_store_that_does_not_answer_is_not_an_empty_list(client: Client) -> None:
    set_current(None)
    for path in ("/logs/patterns", "/logs/errors"):
        assert "could not be read" in client.get(path).content.decode()


def test_patterns_are_told_in_the_form_of_loki(store: TelemetryStore) -> None:
    send_logs(store, "api", "order 1 placed", "order 2 placed")
    step = MINUTE_MS
    end = now_ms()
    series = store.log_pattern_series(store.log_patterns(["api"]), end - 2 * step, end, step)
    [told] = loki_patterns(series)
    assert told["pattern"] == "order <_> placed"
    assert sum(count for _, count in told["samples"]) == 2
    assert all(at % 60 == 0 for at, _ in told["samples"])
