"""One line tells a record: message first, then fields, wherever they stood."""

import json

import pytest

from dashboard.panels.log_summary import LONGEST_BODY, MOST_FIELDS, summary
from telemetry.model.logs import LogRecord


def record(body: str, **attributes: object) -> LogRecord:
    return LogRecord(1, 1, "api", (), 9, "info", body, "", "", attributes)


def test_attributes_stand_behind_the_body() -> None:
    assert summary(record("request", method="GET", status=200)) == ("request", (("method", "GET"), ("status", "200")))


def test_a_json_body_shows_its_message_and_fields() -> None:
    body = json.dumps({"event": "order placed", "order": 17, "level": "info", "timestamp": "2026-11-22"})
    assert summary(record(body)) == ("order placed", (("order", "17"),))


@pytest.mark.parametrize("body", ["plain", "{broken", "[1, 2]", '{"no": "message"}', '{"event": 5}', ""])
def test_any_other_body_is_shown_as_it_is(body: str) -> None:
    assert summary(record(body)) == (body, ())


def test_many_fields_and_long_values_are_cut() -> None:
    _, fields = summary(record("x", **{f"f{n}": "y" * 500 for n in range(50)}))
    assert len(fields) == MOST_FIELDS
    assert all(len(value) <= 81 for _, value in fields)


def test_a_huge_body_is_not_read() -> None:
    body = json.dumps({"event": "x", "rest": "y" * LONGEST_BODY})
    assert summary(record(body))[0] == body
