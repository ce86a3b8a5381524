"""Loki pushes come out as they went in, in protobuf and in JSON."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.wire.limits import DecodeLimits
from collectors.wire.loki_push import decode_loki_push, decode_loki_push_json
from collectors.wire.stream_selector import parse_label_set
from telemetry.model.errors import InvalidInput, LimitExceeded
from telemetry.model.labels import labels_from
from tests.collectors.wire.encoders import push_request
from tests.collectors.wire.real_data import captured

LIMITS = DecodeLimits()
ARRIVED = 1_760_000_000_000_000_000
NOW = 1_759_999_999_123_456_789

texts = st.text(st.characters(codec="utf-8"), max_size=20)
names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_.]{0,8}", fullmatch=True)
label_sets = st.dictionaries(names, texts.filter(bool), min_size=1, max_size=4)
entries = st.tuples(st.integers(1, 2**62), texts, st.dictionaries(names, texts, max_size=3))
streams = st.lists(st.tuples(label_sets, st.lists(entries, max_size=4)), max_size=4)


def go_quoted(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def selector(labels):
    return "{" + ", ".join(f"{name}={go_quoted(value)}" for name, value in labels.items()) + "}"


def in_protobuf(sent):
    body = push_request(*[(selector(labels), rows) for labels, rows in sent])
    return decode_loki_push(body, LIMITS, received_ns=ARRIVED)


def in_json(sent):
    body = {"streams": [
        {"stream": labels, "values": [[str(time), line, metadata] if metadata else [str(time), line]
                                      for time, line, metadata in rows]} for labels, rows in sent]}  # fmt: skip
    return decode_loki_push_json(json.dumps(body).encode(), LIMITS, received_ns=ARRIVED)


@pytest.mark.parametrize("decode", [in_protobuf, in_json])
@given(sent=streams)
def test_decoding_gives_back_what_was_encoded(decode, sent):
    batch = decode(sent).batch
    found = [
        (batch.streams[i], int(time), body, json.loads(attributes or "{}"))
        for i, time, body, attributes in zip(
            batch.stream_index, batch.timestamps_ns, batch.bodies, batch.attributes, strict=True
        )
    ]
    assert found == [
        (labels_from(labels), time, line, metadata) for labels, rows in sent for time, line, metadata in rows
    ]
    assert set(batch.observed_timestamps_ns) <= {ARRIVED}


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_invalid_input(data):
    with contextlib.suppress(InvalidInput):
        decode_loki_push(data, LIMITS, received_ns=ARRIVED)


@given(streams.filter(bool), st.data())
def test_damaged_requests_raise_nothing_but_invalid_input(sent, data):
    request = bytearray(push_request(*[(selector(labels), rows) for labels, rows in sent]))
    for _ in range(3):
        request[data.draw(st.integers(0, len(request) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InvalidInput):
        decode_loki_push(bytes(request), LIMITS, received_ns=ARRIVED)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["streams", "stream", "values", "a"]), inner, max_size=3)
    ),
    max_leaves=15,
)


@given(json_values)
def test_no_json_raises_anything_but_invalid_input(document):
    with contextlib.suppress(InvalidInput):
        decode_loki_push_json(json.dumps(document).encode(), LIMITS, received_ns=ARRIVED)


@given(texts)
def test_no_text_as_labels_raises_anything_but_invalid_input(text):
    for candidate in (text, f"{{{text}}}", f'{{a="{text}"}}'):
        with contextlib.suppress(InvalidInput):
            parse_label_set(candidate)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ('{a="b"}', {"a": "b"}),
        (' { z = "1" , a="2",} ', {"a": "2", "z": "1"}),
        (r'{a="\"\\\n\t\x41é\101"}', {"a": '"\\\n\tAéA'}),
        ("{a=`\\n raw`}", {"a": "\\n raw"}),
        ("{}", {}),
    ],
)
def test_label_sets_are_read_as_go_writes_them(text, labels):
    assert dict(parse_label_set(text)) == labels


@pytest.mark.parametrize(
    "text", ["", "a=b", "{a}", "{a=}", "{a=b}", '{a="b" b="c"}', '{a="b}', r'{a="\q"}', '{a="1",a="2"}']
)
def test_label_sets_that_are_not_understood_are_refused(text):
    with pytest.raises(InvalidInput):
        parse_label_set(text)


def test_a_stream_with_bad_labels_is_refused_by_name_and_the_others_kept():
    rows = [(NOW, "line", {}), (NOW, "line", {})]
    decoded = decode_loki_push(
        push_request(("{a=", rows), ('{a="b"}', rows), ("{}", rows)), LIMITS, received_ns=ARRIVED
    )
    assert len(decoded.batch) == 2
    assert [(refusal.reason, refusal.count) for refusal in decoded.refusals] == [("invalid_labels", 2)] * 2
    assert "{a=" in decoded.refusals[0].message


def test_trace_ids_and_severity_come_from_structured_metadata():
    batch = in_protobuf([({"app": "a"}, [(NOW, "x", {"trace_id": "ab", "span_id": "cd", "level": "error"})])]).batch
    assert (batch.trace_ids[0], batch.span_ids[0], batch.severity_texts[0], batch.severity_numbers[0]) == (
        "ab", "cd", "error", 17,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "line", "number"),
    [
        ({"level": "warn"}, '{"level":"error"}', 13),
        ({}, '{"event":"x","level": "error"}', 17),
        ({}, 'time=5 level="debug" msg=x', 5),
        ({}, "level=info", 9),
        ({}, "sublevel=info", 0),
        ({}, "GET / HTTP/1.1", 0),
    ],
)
def test_the_severity_of_a_line_is_what_it_says_itself(labels, line, number):
    batch = in_json([({"app": "a", **labels}, [(NOW, line, {})])]).batch
    assert batch.severity_numbers.tolist() == [number]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"streams":7}', b'{"streams":[{"stream":{"a":1},"values":[]}]}',
     b'{"streams":[{"stream":{"a":"b"},"values":{}}]}'],
)  # fmt: skip
def test_json_of_another_shape_is_refused(body):
    with pytest.raises(InvalidInput):
        decode_loki_push_json(body, LIMITS, received_ns=ARRIVED)


def test_too_many_lines_are_refused_with_value_and_limit():
    few = DecodeLimits(max_records=3)
    body = push_request(('{a="b"}', [(NOW, "x", {})] * 2), ('{a="c"}', [(NOW, "x", {})] * 2))
    with pytest.raises(LimitExceeded, match=r"4 log records.*limit of 3 \(BELVEDERE_MAX_RECORDS\)"):
        decode_loki_push(body, few, received_ns=ARRIVED)


def test_what_a_real_client_sends_is_read():
    ((_, body),) = [one for one in captured("otlp/captures") if one[0]["path"] == "/loki/api/v1/push"]
    batch = decode_loki_push_json(body, LIMITS, received_ns=ARRIVED).batch
    assert len(batch) == 1
    assert dict(batch.streams[0])["application"] == "shop"


@pytest.mark.parametrize("wrong", [[1], ["x", "l"], ["-1", "l"], ["5", 7], ["5", "l", {"a": 1}], "text"])
def test_an_entry_that_is_not_understood_is_refused_by_itself(wrong):
    body = json.dumps({"streams": [{"stream": {"a": "b"}, "values": [["5", "kept"], wrong, ["6", "too"]]}]}).encode()
    found = decode_loki_push_json(body, DecodeLimits(), received_ns=1)
    assert list(found.batch.bodies) == ["kept", "too"]
    assert [(refusal.reason, refusal.count) for refusal in found.refusals] == [("invalid_entry", 1)]


@given(
    st.lists(
        st.tuples(
            st.one_of(st.integers(0, 2**40), st.integers(10**18, 4 * 10**18)),
            st.text(max_size=300),
            st.dictionaries(st.sampled_from(["a", "trace_id"]), st.text(max_size=5), max_size=1),
        ),
        max_size=8,
    )
)
def test_the_short_way_and_the_long_way_read_the_same(entries):
    body = push_request(('{a="b"}', entries))
    batch = decode_loki_push(body, LIMITS, received_ns=7).batch
    lines = [line for _, line, _ in entries]
    assert list(batch.bodies) == lines
    assert batch.timestamps_ns.tolist() == [nanoseconds or 7 for nanoseconds, _, _ in entries]
    assert batch.observed_timestamps_ns.tolist() == [7] * len(entries)
