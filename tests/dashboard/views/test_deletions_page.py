"""Log records are deleted by query: looked at, confirmed by hand, removed by a job, with a receipt that stays."""

import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from fleet.jobs import due_jobs, run_job
from fleet.models import AuditEvent, LogDeletion
from telemetry.store import LogQuery, TelemetryStore
from tests.dashboard.people import client_with_role
from tests.telemetry.batches import log_batch

pytestmark = pytest.mark.django_db
PAGE = "/settings/deletions"
NOW_NS = time.time_ns()
SPAN = {"start": "2020-01-01 00:00", "end": "2099-01-01 00:00"}
HOUR_NS = 3600 * 10**9


@pytest.fixture
def client(store: TelemetryStore) -> Client:
    sent = [
        ("shop", "cart of 4711 is full", NOW_NS - 50 * HOUR_NS),
        ("shop", "cart of 4712 is empty", NOW_NS - 10**9),
        ("shop", "debug: cart", NOW_NS - 2 * 10**9),
        ("db", "cart table", NOW_NS - 3 * 10**9),
    ]
    records = [{"stream": (("app", app), ("service", app)), "t": at, "body": body} for app, body, at in sent]
    store.write_logs(log_batch(records)).result(30)
    return client_with_role("operator")


def lines(store: TelemetryStore) -> set[str]:
    return {record.body for record in store.search_logs(LogQuery(0, time.time_ns()))}


@pytest.mark.parametrize(
    ("form", "rows"),
    [
        ({"query": '{app="shop"} |= "cart" !~ "debug|trace"'}, 2),
        ({"query": '{app="shop"} |= "full" or "empty"'}, 2),
        ({"query": 'cart -"debug:"'}, 3),
        ({"query": "cart", "service": "db"}, 1),
        ({"service": "shop"}, 3),
        ({"query": '{app="shop"}', "service": "db"}, 0),
    ],
)
def test_a_preview_counts_shows_the_newest_and_deletes_nothing(client, store, form, rows) -> None:
    preview = client.post(PAGE, {**SPAN, **form}).context["preview"]
    assert preview.extent.rows == rows
    assert len(preview.examples) == rows
    assert len(lines(store)) == 4


def test_the_typed_number_or_service_confirms_and_anything_else_does_not(client, store) -> None:
    form = {**SPAN, "query": '{app="shop"} |= "cart of"', "service": "shop"}
    assert "Nothing was deleted." in client.post(PAGE, {**form, "do": "delete", "confirmation": "3"}).content.decode()
    assert not LogDeletion.objects.exists()
    client.post(PAGE, {**form, "do": "delete", "confirmation": "2"})
    client.post(PAGE, {**form, "do": "delete", "confirmation": "shop"})
    assert [one.rows_matched for one in LogDeletion.objects.all()] == [2, 2]
    for job_id in due_jobs():
        run_job(job_id)
    assert lines(store) == {"debug: cart", "cart table"}
    again, first = LogDeletion.objects.all()
    assert (first.state, first.rows_matched, first.rows_gone, first.rows_left) == ("done", 2, 2, 0)
    assert (again.state, again.rows_gone, again.rows_left) == ("done", 0, 0)
    assert first.asked_by.startswith("user:")
    actions = AuditEvent.objects.filter(object_type="log_deletion", object_id=first.pk).order_by("pk")
    assert [event.action for event in actions] == ["log_deletion.asked", "log_deletion.done"]
    assert actions[1].detail["rows_gone"] == 2
    assert "cart of" in client.get(f"{PAGE}/receipts").content.decode()


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        (SPAN, "names a service or a query"),
        ({**SPAN, "query": '{app="shop"} | json | status > 400'}, "nothing else of LogQL"),
        ({**SPAN, "query": "{app="}, "It could not be found out"),
        ({**SPAN, "query": "x", "start": SPAN["end"], "end": SPAN["start"]}, "not after the start"),
        ({"query": "x", "start": "soon", "end": "later"}, "Enter a valid date/time"),
    ],
)
def test_a_deletion_that_cannot_be_meant_says_why(client, form, sentence) -> None:
    assert sentence in client.post(PAGE, form).content.decode()
    assert not LogDeletion.objects.exists()


def test_only_who_may_deletes(client) -> None:
    assert client_with_role("security_reviewer").post(PAGE, {**SPAN, "service": "shop"}).status_code == 403


def test_the_command_previews_then_asks_for_what_its_number_confirms(client, store) -> None:
    words = ("logs", "delete", "--query", '{app="shop"} |= "cart of"', "--from", "2020-01-01", "--to", "2099-01-01")
    out = StringIO()
    call_command(*words, stdout=out)
    assert "2 log records match; nothing was deleted" in out.getvalue()
    call_command(*words, "--confirm", "3", stdout=out)
    assert not LogDeletion.objects.exists()
    call_command(*words, "--confirm", "2", stdout=out)
    run_job(due_jobs()[0])
    assert LogDeletion.objects.get().rows_gone == 2
    assert lines(store) == {"debug: cart", "cart table"}
    with pytest.raises(CommandError, match="--from 'soon' is no time"):
        call_command("logs", "delete", "--from", "soon", "--to", "later")
