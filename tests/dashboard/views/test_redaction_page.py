"""Redaction is tried out on stored records, switched on a service at a time, and in force within seconds."""

import time
from collections.abc import Iterator

import pytest
from django.test import Client

from dashboard.runtime.log_care import log_rules_now
from fleet.models import AuditEvent, RedactionPattern, RedactionSwitch
from fleet.selectors.log_care import forget_cached_log_care
from telemetry.store import LogQuery, TelemetryStore
from telemetry.store.log_rules import LogRules
from tests.dashboard.people import client_with_role
from tests.telemetry.batches import log_batch

pytestmark = pytest.mark.django_db
PAGE = "/settings/redaction"


@pytest.fixture
def client(store: TelemetryStore) -> Iterator[Client]:
    forget_cached_log_care()
    store.log_rules = log_rules_now
    send(store, "api", "mail to ada@example.org", "all well")
    send(store, "db", "T-4711 is open")
    yield client_with_role("operator")
    store.log_rules = LogRules
    forget_cached_log_care()


def send(store: TelemetryStore, service: str, *lines: str) -> None:
    at = time.time_ns() - 10**9
    store.write_logs(
        log_batch([{"stream": (("service", service),), "t": at + n, "body": line} for n, line in enumerate(lines)])
    ).result(30)


def lines(store: TelemetryStore, service: str) -> set[str]:
    return {record.body for record in store.search_logs(LogQuery(0, time.time_ns(), services=(service,)))}


def preview(client: Client, service: str, rule: str):
    found = client.get(PAGE, {"service": service}).context["rules"]
    return next(one for one in found if one.name == rule)


def test_a_rule_says_what_it_would_have_touched_with_masked_examples(client: Client) -> None:
    mail = preview(client, "api", "e_mail")
    assert (mail.touched, mail.ratio, mail.examples) == (1, 0.5, ["mail to [redacted:e_mail]"])
    assert preview(client, "db", "e_mail").touched == 0
    assert preview(client, "*", "e_mail").touched == 1
    assert preview(client, "nobody", "e_mail").ratio is None
    assert "ada@example.org" not in client.get(PAGE, {"service": "api"}).content.decode()


def test_a_switched_on_rule_holds_for_its_service_from_the_next_record_on(
    client: Client, store: TelemetryStore
) -> None:
    client.post(f"{PAGE}/switch", {"service": "api", "rule": "e_mail", "on": "1"})
    for service in ("api", "db"):
        send(store, service, "again to ada@example.org")
    assert lines(store, "api") == {"mail to ada@example.org", "all well", "again to [redacted:e_mail]"}
    assert "again to ada@example.org" in lines(store, "db")
    client.post(f"{PAGE}/switch", {"service": "api", "rule": "e_mail", "on": "0"})
    send(store, "api", "off for ada@example.org")
    assert "off for ada@example.org" in lines(store, "api")
    actions = AuditEvent.objects.filter(object_type="redaction_rule").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["redaction.switched_on", "redaction.switched_off"]


def test_a_rule_of_ones_own_is_tried_then_kept_then_switched_on(client: Client, store: TelemetryStore) -> None:
    form = {"name": "ticket", "pattern": "T-[0-9]+", "text": "see T-99"}
    assert client.post(PAGE, form).context["tried"]["masked"] == "see [redacted:ticket]"
    assert not RedactionPattern.objects.exists()
    client.post(PAGE, {**form, "do": "save"})
    assert preview(client, "db", "ticket").touched == 1
    client.post(f"{PAGE}/switch", {"service": "*", "rule": "ticket", "on": "1"})
    send(store, "db", "T-1 again")
    assert "[redacted:ticket] again" in lines(store, "db")
    client.post(f"{PAGE}/{RedactionPattern.objects.get().pk}/remove")
    assert not RedactionSwitch.objects.exists()
    send(store, "db", "T-2 again")
    assert "T-2 again" in lines(store, "db")


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"name": "x", "pattern": "(?=a)"}, "RE2 does not take it"),
        ({"name": "x", "pattern": "a*"}, "matches the empty text"),
        ({"name": "e_mail", "pattern": "a", "do": "save"}, "there is a rule &#x27;e_mail&#x27; already"),
        ({"name": "No Name", "pattern": "a"}, "Enter a valid value"),
    ],
)
def test_a_rule_that_cannot_be_meant_says_why(client: Client, form: dict[str, str], sentence: str) -> None:
    assert sentence in client.post(PAGE, form).content.decode()
    assert not RedactionPattern.objects.exists()


def test_rules_of_the_settings_stay_on(client: Client, settings) -> None:
    settings.TELEMETRY = {**settings.TELEMETRY, "redact": "api=secret", "redact_patterns": '{"order": "O-[0-9]+"}'}
    assert preview(client, "api", "secret").by_settings
    assert not preview(client, "db", "secret").by_settings
    client.post(f"{PAGE}/switch", {"service": "api", "rule": "order", "on": "1"})
    assert [rule.name for rule in log_rules_now().redaction.of("api")] == ["secret", "order"]


def test_only_who_may_changes_redaction(client: Client) -> None:
    viewer = client_with_role("security_reviewer")
    assert viewer.post(f"{PAGE}/switch", {"service": "api", "rule": "e_mail", "on": "1"}).status_code == 403
    assert client.post(f"{PAGE}/switch", {"service": "api", "rule": "none such", "on": "1"}).status_code == 400
    assert not RedactionSwitch.objects.exists()
