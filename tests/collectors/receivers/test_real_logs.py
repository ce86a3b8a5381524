"""Lines of real systems go in through every receiver and come back byte for byte."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cramjam
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from collectors.receivers.app import ReceiverApp
from collectors.wire.limits import DecodeLimits
from collectors.wire.syslog import decode_syslog
from collectors.wire.syslog_framing import Framer
from telemetry.store import LogQuery, TelemetryStore
from tests.collectors.receivers.pushes import Sender, new_token
from tests.collectors.wire.encoders import push_request

pytestmark = pytest.mark.django_db(transaction=True)

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "logs"
SYSTEMS = sorted(path.name for path in FOLDER.iterdir() if path.is_dir()) if FOLDER.is_dir() else []
LIMITS = DecodeLimits()


def lines_of(system: str) -> list[str]:
    found = [path for path in sorted((FOLDER / system).iterdir()) if path.suffix == ".log"]
    return [line for path in found for line in path.read_bytes().decode(errors="replace").splitlines()][:2000]


def otlp(lines: list[str], start_ns: int) -> tuple[str, bytes, dict[str, str]]:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for number, line in enumerate(lines):
        record = records.add(time_unix_nano=start_ns + number)
        record.body.string_value = line
    return "/v1/logs", request.SerializeToString(), {"content_type": "application/x-protobuf"}


def otlp_json(lines: list[str], start_ns: int) -> tuple[str, bytes, dict[str, str]]:
    records = [{"timeUnixNano": str(start_ns + n), "body": {"stringValue": line}} for n, line in enumerate(lines)]
    document = {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}
    return "/v1/logs", json.dumps(document).encode(), {"content_type": "application/json"}


def loki(lines: list[str], start_ns: int) -> tuple[str, bytes, dict[str, str]]:
    body = push_request(('{a="b"}', [(start_ns + number, line, {}) for number, line in enumerate(lines)]))
    return "/loki/api/v1/push", bytes(cramjam.snappy.compress_raw(body)), {"content_type": "application/x-protobuf"}


def loki_json(lines: list[str], start_ns: int) -> tuple[str, bytes, dict[str, str]]:
    values = [[str(start_ns + number), line] for number, line in enumerate(lines)]
    document = {"streams": [{"stream": {"a": "b"}, "values": values}]}
    return "/loki/api/v1/push", json.dumps(document).encode(), {"content_type": "application/json"}


def json_lines(lines: list[str], start_ns: int) -> tuple[str, bytes, dict[str, str]]:
    records = [json.dumps({"time": start_ns + number, "message": line}) for number, line in enumerate(lines)]
    return "/api/logs", "\n".join(records).encode(), {"content_type": "application/x-ndjson"}


def elasticsearch(lines: list[str], start_ns: int) -> tuple[str, bytes, dict[str, str]]:
    pairs = [
        f'{{"create":{{}}}}\n{json.dumps({"@timestamp": start_ns + n, "message": line})}'
        for n, line in enumerate(lines)
    ]
    return "/app/_bulk", "\n".join([*pairs, ""]).encode(), {"content_type": "application/x-ndjson"}


def journal(lines: list[str], start_ns: int) -> tuple[str, bytes, dict[str, str]]:
    body = b"".join(
        b"__REALTIME_TIMESTAMP=%d\nMESSAGE\n" % (start_ns // 1000 + number)
        + len(line.encode()).to_bytes(8, "little") + line.encode() + b"\n\n"
        for number, line in enumerate(lines)
    )  # fmt: skip
    return "/upload", body, {"content_type": "application/vnd.fdo.journal"}


@pytest.mark.skipif(not SYSTEMS, reason="the collection of real logs is not beside this repository")
@pytest.mark.parametrize("encode", [otlp, otlp_json, loki, loki_json, json_lines, elasticsearch, journal])
def test_lines_of_real_systems_come_back_byte_for_byte(
    store: TelemetryStore, encode: Callable[..., tuple[str, bytes, dict[str, str]]]
) -> None:
    sender = Sender(ReceiverApp(_nothing), new_token("ingest:logs"))
    for system in SYSTEMS:
        store.clear()
        lines, start_ns = lines_of(system), (time.time_ns() // 10**9 - 60) * 10**9
        path, body, headers = encode(lines, start_ns)
        assert sender.push(path, body, **headers).status in (200, 204), system
        found = store.search_logs(LogQuery(0, 2**62, limit=5000))
        assert sorted(record.body for record in found) == sorted(lines), system


@pytest.mark.parametrize("system", SYSTEMS or [pytest.param("", marks=pytest.mark.skip(reason="no real logs here"))])
def test_lines_of_real_systems_come_back_from_syslog(system: str) -> None:
    lines = lines_of(system)
    messages = [b"<14>1 - - app - - - " + line.encode() for line in lines]
    counted = Framer(10**6)
    framed = list(counted.feed(b"".join(b"%d %s" % (len(message), message) for message in messages)))
    assert framed == messages
    assert list(decode_syslog(framed, LIMITS, received_ns=time.time_ns()).batch.bodies) == lines


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("went past the receivers")
