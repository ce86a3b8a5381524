"""Messages of RFC 5424, RFC 3164 and neither; frames of both kinds."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.wire.limits import DecodeLimits
from collectors.wire.syslog import decode_syslog
from collectors.wire.syslog_framing import Framer

NOW = 1_795_000_000_000_000_000  # 2026-11-18T11:06:40Z


def parsed(message, sender=""):
    batch = decode_syslog([message], DecodeLimits(), received_ns=NOW, sender=sender).batch
    attributes = orjson.loads(batch.attributes[0]) if batch.attributes[0] else {}
    return (
        batch.bodies[0],
        dict(batch.streams[0]),
        int(batch.severity_numbers[0]),
        int(batch.timestamps_ns[0]),
        attributes,
    )


def test_rfc_5424_with_structured_data_and_byte_order_mark():
    message = (
        "<165>1 2026-11-18T11:00:00.123456789+01:00 host.example app 71 ID47 "
        '[ex@32473 iut="3" q="a \\"b\\" \\] \\\\ é"]'
        "[meta x=\"\"] \ufeffline <b>\x1b[0m é"
    ).encode()  # fmt: skip
    body, stream, severity, time_ns, attributes = parsed(message)
    assert body == "line <b>\x1b[0m é"
    assert stream == {"host": "host.example", "service": "app"}
    assert (severity, time_ns) == (10, 1_794_996_000_123_456_789)
    assert attributes == {
        "ex@32473": {"iut": "3", "q": 'a "b" ] \\ é'}, "meta": {"x": ""}, "procid": "71", "msgid": "ID47",
        "facility": "local4",
    }  # fmt: skip


def test_a_trace_in_structured_data_is_recognised():
    trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    message = f'<14>1 - - app - - [otel@1 trace_id="{trace}" span_id="{span}"] x'.encode()
    batch = decode_syslog([message], DecodeLimits(), received_ns=NOW).batch
    assert (batch.trace_ids[0], batch.span_ids[0]) == (trace, span)


@pytest.mark.parametrize(
    ("message", "body", "stream", "severity"),
    [
        (b"<34>Nov 18 10:14:15 a su: 'su root' failed", "'su root' failed", {"host": "a", "service": "su"}, 18),
        (b"<13>Nov  8 10:14:15 a sshd[123]: x", "x", {"host": "a", "service": "sshd"}, 10),
        (b"<30>2026-11-18T10:00:00.5+00:00 a app: {\"a\":1}", '{"a":1}', {"host": "a", "service": "app"}, 9),
        (b"<13>app: no time", "no time", {"host": "10.0.0.1", "service": "app"}, 10),
        (b"<191>1 - - - - - -", "", {"host": "10.0.0.1"}, 5),
        (b"<192>out of range", "<192>out of range", {"host": "10.0.0.1"}, 0),
        (b"no syslog at all", "no syslog at all", {"host": "10.0.0.1"}, 0),
        (b"<5>1 - - - - - [broken x] y", "1 - - - - - [broken x] y", {"host": "10.0.0.1"}, 10),
        (b"<14>1 - - a - - - \xff\xfe", "\\xff\\xfe", {"host": "10.0.0.1", "service": "a"}, 9),
        (b"<14>Feb 29 10:00:00 a b: leap", "leap", {"host": "a", "service": "b"}, 9),
        (b"<14>Feb 31 10:00:00 a b: no date", "no date", {"host": "a", "service": "b"}, 9),
    ],
)  # fmt: skip
def test_what_senders_write_is_understood_or_kept_whole(message, body, stream, severity):
    assert parsed(message, "10.0.0.1")[:3] == (body, stream, severity)


def test_a_time_without_a_year_is_the_latest_that_is_not_ahead():
    assert parsed(b"<34>Nov 18 10:14:15 a su: x")[3] == 1_794_996_855 * 10**9
    assert parsed(b"<34>Dec 24 10:14:15 a su: x")[3] == 1_766_571_255 * 10**9
    assert abs(parsed(b"<34>Nov 18 23:00:00 a su: ahead")[3] - NOW) < 86_400 * 10**9


def cut_into(stream, sizes):
    position = 0
    for size in sizes:
        yield stream[position : position + size]
        position += size
    yield stream[position:]


texts = st.binary(min_size=1, max_size=40).map(lambda content: b"<14>" + content)
frames = st.one_of(
    texts.map(lambda message: (b"%d %s" % (len(message), message), message)),
    texts.map(lambda message: b"<14>" + bytes(byte for byte in message[4:] if byte not in b"\n\r\0") + b"x").map(
        lambda line: (line + b"\n", line)
    ),
)


@given(st.lists(frames, max_size=6), st.lists(st.integers(0, 30), max_size=10))
def test_messages_come_out_of_any_cut_of_the_stream(sent, sizes):
    framer = Framer(1000)
    stream = b"".join(frame for frame, _ in sent)
    found = [message for part in cut_into(stream, sizes) for message in framer.feed(part)]
    assert [*found, *filter(None, [framer.end()])] == [message for _, message in sent]


def test_long_messages_are_cut_and_marked():
    framer = Framer(10)
    line, counted = b"<1>" + b"x" * 50, b"<2>" + b"y" * 17
    stream = line + b"\n" + b"20 " + counted + b"short\nlast line"
    found = [message for at in range(len(stream)) for message in framer.feed(stream[at : at + 1])]
    assert [message.decode() for message in (*found, framer.end())] == [
        "<1>xxxxxxx… [cut: 53 bytes]", "<2>yyyyyyy… [cut: 20 bytes]", "short", "last line"
    ]  # fmt: skip


def test_a_line_that_begins_with_a_number_is_a_line():
    framer = Framer(100)
    assert list(framer.feed(b"12 monkeys\n007\n")) == [b"12 monkeys", b"007"]
