import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from dashboard import logging_setup
from dashboard.logging_setup import current_request_id, mask_secrets, masked_text

TOKEN = "bv_Ab12Cd34_" + "x" * 43

Logged = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def logged() -> Iterator[Logged]:
    """Sets logging up as on a pipe; gives back the events that were written, one JSON object a line."""
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    before, stream = structlog.get_config(), io.StringIO()
    logging_setup.configure("INFO", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.configure(**before)


def test_an_event_is_one_json_object_with_its_time_level_and_logger(logged: Logged) -> None:
    structlog.get_logger("belvedere.test").info("it happened", count=3)
    (event,) = logged()
    assert list(event)[:3] == ["timestamp", "level", "event"]
    assert (event["level"], event["event"], event["count"]) == ("info", "it happened", 3)
    assert event["logger"] == "belvedere.test"
    assert event["timestamp"].endswith("Z")


def test_events_of_the_standard_library_take_the_same_way(logged: Logged) -> None:
    logging.getLogger("some.library").warning("took %d s", 3, extra={"host": "db1"})
    (event,) = logged()
    assert (event["event"], event["host"], event["level"]) == ("took 3 s", "db1", "warning")


def test_lesser_events_of_chatty_libraries_are_left_out(logged: Logged) -> None:
    logging.getLogger("kombu.connection").info("connected")
    logging.getLogger("django.request").warning("Not Found: /x")
    structlog.get_logger("belvedere.test").debug("detail")
    assert logged() == []


def test_an_exception_is_part_of_its_event(logged: Logged) -> None:
    try:
        raise ValueError("bad")
    except ValueError:
        structlog.get_logger("belvedere.test").exception("failed")
    (event,) = logged()
    assert "ValueError: bad" in event["exception"]


def test_the_request_id_of_the_context_is_on_every_event(logged: Logged) -> None:
    assert current_request_id() == ""
    with structlog.contextvars.bound_contextvars(request_id="abc123"):
        assert current_request_id() == "abc123"
        logging.getLogger("some.library").warning("slow")
    assert logged()[0]["request_id"] == "abc123"


@pytest.mark.parametrize("text", ["a\r\nb", "\x1b[31mred", "one\u2028two", "\u202egnp.exe", "\x00"])
def test_no_text_can_forge_a_line_or_play_with_the_terminal(logged: Logged, text: str) -> None:
    structlog.get_logger("belvedere.test").warning(text, path=text)
    (event,) = logged()
    assert (event["event"], event["path"]) == (text, text)


def test_control_characters_are_shown_as_escapes_on_a_terminal() -> None:
    event = logging_setup._show_control_characters(None, "", {"event": "\x1b[31m\u2028\nx"})
    assert event["event"] == "\\x1b[31m\\u2028\nx"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"used {TOKEN} twice", "used bv_Ab12Cd34_*** twice"),
        ("Authorization: Bearer abcdefghij.klm", "Authorization: Bearer ***"),
        ("postgresql://me:hunter2@db/app", "postgresql://me:***@db/app"),
        ("GET /setup/3Fk2_secret HTTP/1.1", "GET /setup/*** HTTP/1.1"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_secrets_inside_texts_are_masked(text: str, masked: str) -> None:
    assert masked_text(text) == masked


def test_values_of_secret_looking_keys_are_masked_at_any_depth() -> None:
    event = {"detail": {"Password": "a", "list": [{"api_key": "b"}]}, "COOKIE": "c", "tokens": 3}
    assert mask_secrets(None, "", event) == {
        "detail": {"Password": "***", "list": [{"api_key": "***"}]},
        "COOKIE": "***",
        "tokens": 3,
    }


@given(st.text(), st.text())
def test_a_token_is_masked_whatever_stands_around_it(before: str, after: str) -> None:
    assert TOKEN[12:] not in masked_text(f"{before} {TOKEN} {after}")
