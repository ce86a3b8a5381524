"""Retention rules: tried out before they are saved, carried out by the job, with receipts."""

import time

import pytest
from django.test import Client

from fleet.jobs import enqueue, run_job
from fleet.models import AuditEvent, RetentionRule, Service, Team
from policies.retention import CARRY_OUT, services_of
from telemetry.model.time import TimeRange
from telemetry.store import LogQuery, TelemetryStore
from tests.dashboard.people import client_with_role
from tests.telemetry.batches import log_batch, sample_batch, series

pytestmark = pytest.mark.django_db
PAGE = "/settings/retention"
DAY_MS = 86_400_000
NOW_MS = int(time.time() * 1000)


@pytest.fixture
def client(store: TelemetryStore) -> Client:
    old, new = NOW_MS - 20 * DAY_MS, NOW_MS - 1000
    samples = {series(name, job=job): [(old, 1.0), (new, 2.0)] for name in ("debug_a", "up") for job in ("api", "db")}
    store.write_samples(sample_batch(samples)).result(30)
    return client_with_role("operator")


def kept(store: TelemetryStore) -> dict[str, int]:
    everything = TimeRange(0, NOW_MS)
    found = store.select_series([], everything)
    columns = store.read_samples(found, everything)
    lengths = (columns.offsets[1:] - columns.offsets[:-1]).tolist()
    return {
        f"{dict(labels)['__name__']} {dict(labels)['job']}": n for labels, n in zip(found.labels, lengths, strict=True)
    }


def test_a_preview_counts_and_removes_nothing(client: Client, store: TelemetryStore) -> None:
    answer = client.post(PAGE, {"signal": "metrics", "selector": '{__name__=~"debug_.+"}', "days": 7, "do": "preview"})
    preview = answer.context["preview"]
    assert (preview.series, preview.rows, preview.oldest_ms) == (2, 2, NOW_MS - 20 * DAY_MS)
    assert not RetentionRule.objects.exists()
    assert set(kept(store).values()) == {2}


def test_a_saved_rule_is_carried_out_and_leaves_receipts(client: Client, store: TelemetryStore) -> None:
    client.post(PAGE, {"signal": "metrics", "selector": "debug_a", "service": "api", "days": 7, "do": "save"})
    for _ in range(2):
        run_job(enqueue(CARRY_OUT).pk)
    assert kept(store) == {"debug_a api": 1, "debug_a db": 2, "up api": 2, "up db": 2}
    rule = RetentionRule.objects.get()
    assert (rule.removed_rows, rule.last_removed_rows, rule.last_error) == (1, 0, "")
    actions = list(AuditEvent.objects.filter(object_type="retention_rule").values_list("action", flat=True))
    assert sorted(actions) == ["retention.added", "retention.carried_out"]


def test_a_team_is_its_services_and_one_without_any_removes_nothing(client: Client, store: TelemetryStore) -> None:
    team = Team.objects.create(name="Payments")
    assert services_of("", team) == []
    assert client.post(PAGE, {"signal": "metrics", "team": team.pk, "days": 7}).context["preview"].rows == 0
    Service.objects.update_or_create(name="db", defaults={"team": team})
    assert client.post(PAGE, {"signal": "metrics", "team": team.pk, "days": 7}).context["preview"].rows == 2
    assert services_of("api", team) == []
    assert services_of("", None) is None


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"selector": "up{", "days": 7}, "the selector is not understood"),
        ({"selector": "rate(up[5m])", "days": 7}, "expected a series selector"),
        ({"days": 7, "do": "save"}, "BELVEDERE_SAMPLE_RETENTION_DAYS"),
        ({"selector": "up", "days": 0}, "greater than or equal to 1"),
    ],
)
def test_a_rule_that_cannot_be_meant_says_why(client: Client, form: dict[str, object], sentence: str) -> None:
    assert sentence in client.post(PAGE, {"signal": "metrics", **form}).content.decode()
    assert not RetentionRule.objects.exists()


def test_only_who_may_changes_rules(store: TelemetryStore) -> None:
    rule = RetentionRule.objects.create(selector="up", days=7, created_by="user:x")
    viewer = client_with_role("security_reviewer")
    assert viewer.post(PAGE, {"signal": "metrics", "selector": "up", "days": 1}).status_code == 403
    assert viewer.post(f"{PAGE}/{rule.pk}/remove").status_code == 403
    client_with_role("operator").post(f"{PAGE}/{rule.pk}/remove")
    assert not RetentionRule.objects.exists()


def test_log_records_of_a_stream_a_service_or_a_team_go_earlier(client: Client, store: TelemetryStore) -> None:
    old, new = (NOW_MS - 20 * DAY_MS) * 10**6, (NOW_MS - 1000) * 10**6
    sent = [(app, at) for app in ("shop", "db") for at in (old, new)]
    records = [{"stream": (("app", app), ("service", app)), "t": at, "body": f"{app} {at}"} for app, at in sent]
    store.write_logs(log_batch(records)).result(30)
    rule = {"signal": "logs", "selector": '{app=~"shop|db"}', "service": "shop", "days": 7}
    preview = client.post(PAGE, {**rule, "do": "preview"}).context["preview"]
    assert (preview.rows, preview.oldest_ms) == (1, NOW_MS - 20 * DAY_MS)
    client.post(PAGE, {**rule, "do": "save"})
    for _ in range(2):
        run_job(enqueue(CARRY_OUT).pk)
    kept_lines = {record.body for record in store.search_logs(LogQuery(0, NOW_MS * 10**6))}
    assert kept_lines == {f"shop {new}", f"db {old}", f"db {new}"}
    stored = RetentionRule.objects.get()
    assert (stored.removed_rows, stored.last_removed_rows, stored.last_error) == (1, 0, "")
    assert set(kept(store).values()) == {2}
    team = Team.objects.create(name="Payments")
    assert client.post(PAGE, {"signal": "logs", "team": team.pk, "days": 7}).context["preview"].rows == 0


def test_a_log_rule_that_cannot_be_meant_says_why(client: Client) -> None:
    for selector in ('{app="x"} |= "y"', "{app="):
        answer = client.post(PAGE, {"signal": "logs", "selector": selector, "days": 7})
        assert "the selector is not understood" in answer.content.decode()
    everything = client.post(PAGE, {"signal": "logs", "days": 7, "do": "save"})
    assert "BELVEDERE_LOG_RETENTION_DAYS" in everything.content.decode()
    assert not RetentionRule.objects.exists()
