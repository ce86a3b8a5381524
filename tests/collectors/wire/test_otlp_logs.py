"""OTLP log records come out as they went in, in protobuf and in JSON, and nothing that is sent can hurt."""

import base64
import contextlib
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from collectors.wire.compression import decompress
from collectors.wire.limits import DecodeLimits
from collectors.wire.otlp_logs import decode_otlp_logs
from collectors.wire.otlp_logs_json import decode_otlp_logs_json
from telemetry.model.errors import InvalidInput, LimitExceeded
from tests.collectors.wire.real_data import captured, real

LIMITS = DecodeLimits()
ARRIVED = 1_760_000_000_000_000_000

texts = st.text(st.characters(codec="utf-8"), max_size=20)
keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
plain = st.one_of(
    texts, st.text("ab\"\\\n", min_size=100, max_size=200), st.booleans(), st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False), st.binary(max_size=6),
)  # fmt: skip
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)
records = st.fixed_dictionaries(
    {
        "time": st.integers(1, 2**63 - 1),
        "observed": st.integers(1, 2**63 - 1),
        "number": st.integers(1, 24),
        "word": texts,
        "body": values,
        "attributes": st.dictionaries(keys, values, max_size=4),
        "trace": st.binary(min_size=16, max_size=16).filter(any),
        "span": st.binary(min_size=8, max_size=8).filter(any),
    }
)
resources = st.lists(st.tuples(st.dictionaries(keys, texts.filter(bool), max_size=3), st.lists(records, max_size=3)))


def any_value(value):
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=map(any_value, value)))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=key_values(value)))
    return AnyValue(string_value=value)


def key_values(pairs):
    return [KeyValue(key=key, value=any_value(value)) for key, value in pairs.items()]


def as_json(value):
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case bytes():
            return {"bytesValue": base64.b64encode(value).decode()}
        case list():
            return {"arrayValue": {"values": [as_json(item) for item in value]}}
        case dict():
            return {"kvlistValue": {"values": json_pairs(value)}}
    return {"stringValue": value}


def json_pairs(pairs):
    return [{"key": key, "value": as_json(value)} for key, value in pairs.items()]


def encoded(sent):
    request = ExportLogsServiceRequest()
    for resource, rows in sent:
        one = request.resource_logs.add()
        one.resource.attributes.extend(key_values(resource))
        scope = one.scope_logs.add()
        for row in rows:
            scope.log_records.add(
                time_unix_nano=row["time"], observed_time_unix_nano=row["observed"], severity_number=row["number"],
                severity_text=row["word"], body=any_value(row["body"]), attributes=key_values(row["attributes"]),
                trace_id=row["trace"], span_id=row["span"],
            )  # fmt: skip
    return request.SerializeToString()


def encoded_json(sent):
    return json.dumps({"resourceLogs": [
        {"resource": {"attributes": json_pairs(resource)}, "scopeLogs": [{"logRecords": [
            {"timeUnixNano": str(row["time"]), "observedTimeUnixNano": str(row["observed"]), "unknownField": [{}],
             "severityNumber": row["number"], "severityText": row["word"], "body": as_json(row["body"]),
             "attributes": json_pairs(row["attributes"]), "traceId": row["trace"].hex().upper(),
             "spanId": row["span"].hex()} for row in rows]}]} for resource, rows in sent]}).encode()  # fmt: skip


def plainly(value):
    """What JSON makes of a value: bytes become base64."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case list():
            return [plainly(item) for item in value]
        case dict():
            return {key: plainly(item) for key, item in value.items()}
    return value


def rows_of(decoded):
    batch = decoded.batch
    columns = (
        [dict(batch.streams[i]) for i in batch.stream_index], batch.timestamps_ns.tolist(),
        batch.observed_timestamps_ns.tolist(), batch.severity_numbers.tolist(), batch.severity_texts, batch.bodies,
        batch.trace_ids, batch.span_ids, [json.loads(text or "{}") for text in batch.attributes],
    )  # fmt: skip
    return list(zip(*columns, strict=True))


def expected(sent):
    return [
        (
            dict(sorted(resource.items())), row["time"], row["observed"], row["number"], row["word"],
            row["body"] if isinstance(row["body"], str) else None, row["trace"].hex(), row["span"].hex(),
            plainly(row["attributes"]),
        )
        for resource, rows in sent
        for row in rows
    ]  # fmt: skip


def assert_round_trip(decoded, sent):
    found = rows_of(decoded)
    bodies = [row["body"] for _, rows in sent for row in rows]
    for row, body in zip(found, bodies, strict=True):
        if not isinstance(body, str):
            assert (json.loads(row[5]) if not isinstance(body, bytes) else row[5]) == plainly(body)
    hidden = [
        (*row[:5], row[5] if isinstance(body, str) else None, *row[6:]) for row, body in zip(found, bodies, strict=True)
    ]
    assert hidden == expected(sent)


@given(resources)
def test_protobuf_gives_back_what_was_encoded(sent):
    assert_round_trip(decode_otlp_logs(encoded(sent), LIMITS, received_ns=ARRIVED), sent)


@given(resources)
def test_json_gives_back_what_was_encoded(sent):
    assert_round_trip(decode_otlp_logs_json(encoded_json(sent), LIMITS, received_ns=ARRIVED), sent)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_invalid_input(data):
    with contextlib.suppress(InvalidInput):
        decode_otlp_logs(data, LIMITS, received_ns=ARRIVED)


@given(resources.filter(bool), st.data())
def test_damaged_requests_raise_nothing_but_invalid_input(sent, data):
    request = bytearray(encoded(sent) or b"\0")
    for _ in range(3):
        request[data.draw(st.integers(0, len(request) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InvalidInput):
        decode_otlp_logs(bytes(request), LIMITS, received_ns=ARRIVED)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["resourceLogs", "resource", "scopeLogs", "scope", "name", "logRecords", "attributes", "key",
                         "value", "body", "arrayValue", "kvlistValue", "values", "intValue", "stringValue", "traceId",
                         "timeUnixNano", "severityNumber", "doubleValue"]), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(json_values)
def test_no_json_raises_anything_but_invalid_input(document):
    with contextlib.suppress(InvalidInput):
        decode_otlp_logs_json(json.dumps(document).encode(), LIMITS, received_ns=ARRIVED)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'{"resourceLogs": {}}', b"\xff", b'{"resourceLogs": [[]]}'])
def test_json_of_another_shape_is_refused(body):
    with pytest.raises(InvalidInput):
        decode_otlp_logs_json(body, LIMITS, received_ns=ARRIVED)


def test_what_a_sender_leaves_out_is_filled_in():
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    scope.scope.name, scope.scope.version = "shop", "0.1"
    scope.log_records.add(severity_text="Warning", observed_time_unix_nano=5, event_name="cart.emptied")
    scope.log_records.add(trace_id=bytes(16), span_id=bytes(8), severity_number=99, time_unix_nano=2**64 - 1)
    first, second = rows_of(decode_otlp_logs(request.SerializeToString(), LIMITS, received_ns=ARRIVED))
    named = {"otel.scope.name": "shop", "otel.scope.version": "0.1"}
    assert first == ({}, 5, 5, 13, "Warning", "", "", "", {**named, "event.name": "cart.emptied"})
    assert second == ({}, 2**63 - 1, ARRIVED, 0, "", "", "", "", named)


def test_numbers_that_json_does_not_know_are_written_by_name():
    attributes = {"a": float("nan"), "b": float("inf"), "c": float("-inf")}
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add(attributes=key_values(attributes))
    (row,) = rows_of(decode_otlp_logs(request.SerializeToString(), LIMITS, received_ns=ARRIVED))
    assert row[-1] == {"a": "NaN", "b": "Infinity", "c": "-Infinity"}


def test_values_nested_too_deep_are_refused():
    deep = b"\x0a\x01x"
    for _ in range(70):
        deep = framed(5, framed(1, deep))
    request = framed(1, framed(2, framed(2, framed(5, deep))))
    with pytest.raises(InvalidInput, match="64 levels"):
        decode_otlp_logs(request, LIMITS, received_ns=ARRIVED)
    value = {"stringValue": "x"}
    for _ in range(70):
        value = {"arrayValue": {"values": [value]}}
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": value}]}]}]}).encode()
    with pytest.raises(InvalidInput, match="64 levels"):
        decode_otlp_logs_json(body, LIMITS, received_ns=ARRIVED)


def framed(number, payload):
    length, frame = len(payload), bytearray([number << 3 | 2])
    while length > 127:
        frame.append(length & 127 | 128)
        length >>= 7
    return bytes(frame) + bytes([length]) + payload


BOMBS = {
    "empty records": framed(1, framed(2, b"\x12\x00" * 4_000_000)),
    "empty scopes": framed(1, b"\x12\x00" * 4_200_000),
    "empty resources": b"\x0a\x00" * 4_200_000,
    "empty attributes of one record": framed(1, framed(2, framed(2, b"\x32\x00" * 4_200_000))),
    "empty attributes of a resource": framed(1, framed(1, b"\x0a\x00" * 4_200_000)),
    "empty values of one body": framed(1, framed(2, framed(2, framed(5, framed(5, b"\x0a\x00" * 4_200_000))))),
}


@pytest.mark.parametrize("name", BOMBS)
def test_millions_of_empty_messages_are_refused_with_bounded_memory(name):
    bomb = BOMBS[name]
    tracemalloc.start()
    with pytest.raises(LimitExceeded, match="over the limit of"):
        decode_otlp_logs(bomb, DecodeLimits(max_decoded_bytes=8_000_000), received_ns=ARRIVED)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 128 * 1024**2


def test_a_json_document_of_millions_of_values_is_refused_before_it_is_built():
    body = b'{"resourceLogs":[' + b"{}," * 2_000_000 + b"{}]}"
    tracemalloc.start()
    with pytest.raises(LimitExceeded, match="parts"):
        decode_otlp_logs_json(body, DecodeLimits(max_decoded_bytes=8_000_000), received_ns=ARRIVED)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1024**2


def test_what_a_real_sdk_sends_is_read_whole():
    ((description, body),) = [one for one in captured("otlp/captures") if one[0]["path"] == "/v1/logs"]
    request = decompress(body, description["headers"]["Content-Encoding"], LIMITS)
    rows = rows_of(decode_otlp_logs(request, LIMITS, received_ns=ARRIVED))
    assert [(row[3], row[5]) for row in rows] == [
        (9, "order 17 placed"), (13, "slow query: 1.2s"), (17, "payment failed"), (17, "unexpected"),
    ]  # fmt: skip
    assert rows[0][0]["service.name"] == "checkout"
    assert rows[0][-1]["order_id"] == 17
    assert "ZeroDivisionError" in rows[3][-1]["exception.stacktrace"]


def test_the_examples_of_the_specification_are_read():
    body = real("otlp/proto-examples/examples/logs.json").read_bytes()
    (row,) = rows_of(decode_otlp_logs_json(body, LIMITS, received_ns=ARRIVED))
    assert row[5:8] == ("Example log record", "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")
    assert row[-1]["map.attribute"] == {"some.map.key": "some value"}
