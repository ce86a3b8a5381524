"""JSON lines are read as structlog writes them; a bad line does not lose the good ones."""

import contextlib
import json
from datetime import UTC, datetime

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from collectors.wire.json_lines import decode_json_lines
from collectors.wire.json_record import FieldNames
from collectors.wire.limits import DecodeLimits
from collectors.wire.log_time import nanoseconds
from telemetry.model.errors import InvalidInput, LimitExceeded

LIMITS = DecodeLimits()
ARRIVED = 1_760_000_000_000_000_000


def decoded(body, names=None, limits=LIMITS):
    return decode_json_lines(body, limits, received_ns=ARRIVED, names=names or FieldNames())


def test_what_structlog_writes_is_read_unchanged():
    chain = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper("iso"),
        structlog.processors.JSONRenderer(),
    ]
    lines = []
    logger = structlog.wrap_logger(None, processors=[*chain, lambda _, __, text: lines.append(text) or text],
                                   wrapper_class=structlog.BoundLogger)  # fmt: skip
    with contextlib.suppress(AttributeError, TypeError):
        logger.bind(service="checkout", order=17).warning("order placed")
    (line,) = lines
    batch = decoded(line.encode()).batch
    assert batch.bodies == ("order placed",)
    assert batch.severity_texts == ("warning",)
    assert batch.severity_numbers.tolist() == [13]
    assert batch.streams == [(("service", "checkout"),)]
    assert json.loads(batch.attributes[0]) == {"order": 17}
    written = datetime.fromisoformat(json.loads(line)["timestamp"])
    assert batch.timestamps_ns[0] == round(written.timestamp() * 1e6) * 1000


def test_fields_may_have_names_of_their_own():
    names = FieldNames(time=["when"], message=["what"], service=["who"])
    batch = decoded(b'{"when":5,"what":"x","who":"s","event":"kept","trace_id":"ab","span_id":"cd"}\n\n', names).batch
    assert (batch.bodies, batch.streams, batch.timestamps_ns.tolist()) == (("x",), [(("service", "s"),)], [5 * 10**9])
    assert (batch.trace_ids, batch.span_ids) == (("ab",), ("cd",))
    assert json.loads(batch.attributes[0]) == {"event": "kept"}


def test_a_record_without_a_message_is_shown_whole():
    batch = decoded(b'{"a": 1}').batch
    assert batch.bodies == ('{"a": 1}',)
    assert batch.timestamps_ns.tolist() == [ARRIVED]


def test_a_bad_line_is_refused_by_number_and_the_others_kept():
    result = decoded(b'{"event":"a"}\nnot json\n[1]\n{"event":"b","time":"soon"}\n{"event":"c"}')
    assert result.batch.bodies == ("a", "c")
    assert [refusal.message.partition(":")[0] for refusal in result.refusals] == ["line 2", "line 3", "line 4"]


def test_a_body_without_any_good_line_is_refused():
    with pytest.raises(InvalidInput, match="line 1"):
        decoded(b"plain text\nmore of it")


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (1_760_000_000, 1_760_000_000 * 10**9),
        (1_760_000_000.25, 1_760_000_000_250_000_000),
        ("1760000000123", 1_760_000_000_123_000_000),
        (1_760_000_000_123_456, 1_760_000_000_123_456_000),
        (1_760_000_000_123_456_789, 1_760_000_000_123_456_789),
        ("2026-11-22T10:00:00Z", 1_795_341_600 * 10**9),
        ("2026-11-22T10:00:00.123456789+00:00", 1_795_341_600_123_456_789),
        ("2026-11-22 11:00:00+01:00", 1_795_341_600 * 10**9),
        ("2026-11-22T10:00:00", 1_795_341_600 * 10**9),
        (None, 0),
    ],
)
def test_times_are_read_in_every_usual_form(time, expected):
    assert nanoseconds(time) == expected


@pytest.mark.parametrize("time", ["soon", "", -1, True, [], {}, "1969-12-31T00:00:00Z", float("inf"), "2026-13-01"])
def test_what_is_no_time_is_refused(time):
    with pytest.raises(InvalidInput):
        nanoseconds(time)


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)))
def test_iso_times_are_read_to_the_microsecond(moment):
    since = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    expected = (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000
    assert nanoseconds(moment.isoformat() + "Z") == expected


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_invalid_input(body):
    with contextlib.suppress(InvalidInput):
        decoded(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
fields = st.sampled_from(["timestamp", "event", "service", "level", "trace_id", "span_id", "other"])


@given(st.lists(st.dictionaries(fields, json_values, max_size=5), max_size=4))
def test_no_records_raise_anything_but_invalid_input(records):
    with contextlib.suppress(InvalidInput):
        batch = decoded("\n".join(map(json.dumps, records)).encode()).batch
        assert all(isinstance(json.loads(text or "{}"), dict) for text in batch.attributes)


def test_deep_and_many_are_refused():
    with pytest.raises(InvalidInput, match="64 levels"):
        decoded(b'{"a":' + b"[" * 300 + b"]" * 300 + b"}")
    with pytest.raises(LimitExceeded, match=r"limit of 2 \(BELVEDERE_MAX_RECORDS\)"):
        decoded(b"{}\n{}\n{}\n", limits=DecodeLimits(max_records=2))
