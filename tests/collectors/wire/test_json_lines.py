"""JSON lines keep the line and find its time, severity, service and trace."""

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.wire.json_lines import LineFields, decode_json_lines, time_ns
from collectors.wire.limits import DecodeLimits
from telemetry.model.errors import InvalidInput, LimitExceeded

NOW = 1_795_353_600_000_000_000
LIMITS = DecodeLimits()
CHECKOUT = LineFields({"service": "checkout"})


def decode(*lines: bytes, names: LineFields = CHECKOUT, limits: DecodeLimits = LIMITS):
    return decode_json_lines(b"\n".join(lines), names, limits, received_ns=NOW).batch


def test_a_structlog_line_needs_no_configuration() -> None:
    line = b'{"event": "order placed", "order": 17, "level": "warning", "timestamp": "2026-11-22T12:00:00.123456Z"}'
    batch = decode(line)
    assert list(batch.bodies) == [line.decode()]
    assert batch.timestamps_ns.tolist() == [1_795_348_800_123_456_000]
    assert list(batch.severity_texts) == ["warning"]
    assert batch.severity_numbers.tolist() == [13]
    assert batch.streams == [(("service", "checkout"),)]


def test_a_line_that_is_no_json_is_kept() -> None:
    batch = decode(b"Traceback (most recent call last):", b"[1]", b"")
    assert list(batch.bodies) == ["Traceback (most recent call last):", "[1]"]
    assert batch.timestamps_ns.tolist() == [NOW, NOW]


def test_a_line_may_name_its_service() -> None:
    batch = decode(b'{"service": "a"}', b'{"service": "b"}', b'{"service": "a"}', names=LineFields({"env": "prod"}))
    assert batch.streams == [(("env", "prod"), ("service", "a")), (("env", "prod"), ("service", "b"))]
    assert batch.stream_index.tolist() == [0, 1, 0]


def test_without_a_service_the_request_says_where_it_could_stand() -> None:
    with pytest.raises(InvalidInput, match="query parameter service"):
        decode(b'{"event": "x"}', names=LineFields({}))


def test_too_many_lines_are_refused() -> None:
    with pytest.raises(LimitExceeded, match="BELVEDERE_MAX_RECORDS"):
        decode(*[b"{}"] * 12, limits=DecodeLimits(max_records=10))


@pytest.mark.parametrize(
    ("value", "ns"),
    [
        ("2026-11-22T12:00:00Z", 1_795_348_800_000_000_000),
        ("2026-11-22T13:00:00+01:00", 1_795_348_800_000_000_000),
        ("2026-11-22 12:00:00", 1_795_348_800_000_000_000),
        ("2026-11-22 12:00:00,250", 1_795_348_800_250_000_000),
        ("2026-11-22T12:00:00.123456789Z", 1_795_348_800_123_456_789),
        (1_795_348_800, 1_795_348_800_000_000_000),
        (1_795_348_800_123, 1_795_348_800_123_000_000),
        (1_795_348_800_123_456, 1_795_348_800_123_456_000),
        (1_795_348_800_123_456_789, 1_795_348_800_123_456_789),
        (1_795_348_800.5, 1_795_348_800_500_000_000),
        ("yesterday", 0),
        (True, 0),
        (None, 0),
        (-5, 0),
        (float("nan"), 0),
    ],
)
def test_times_in_the_forms_that_loggers_write(value: object, ns: int) -> None:
    assert time_ns(value) == ns


@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)))
def test_iso_times_come_back_to_the_microsecond(moment: datetime) -> None:
    since = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    assert time_ns(moment.isoformat()) == (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none() | st.booleans()), max_size=5))
def test_lines_come_back_as_they_were(records: list[dict[str, object]]) -> None:
    lines = []
    for record in records:
        try:
            lines.append(orjson.dumps(record))
        except TypeError:  # numbers beyond 64 bits and lone surrogates are no JSON of this writer
            return
    assert [body.encode() for body in decode(*lines).bodies] == lines


@given(st.binary(max_size=300))
def test_no_bytes_break_it(body: bytes) -> None:
    decode(body)
