"""A Prometheus that numbers its samples: the value of each is its number, and so is its time."""

import struct

import cramjam
import httpx

METRIC = "numbered"
FIRST_MS_AGO = 3_600_000


def _field(number: int, payload: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def _label(name: str, value: str) -> bytes:
    return _field(1, _field(1, name.encode()) + _field(2, value.encode()))


def _sample(value: float, timestamp_ms: int) -> bytes:
    return _field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(timestamp_ms))


def write_request(series: str, numbers: range, first_ms: int) -> bytes:
    """Body of a remote write v1 request: sample n of `series` has the value n and the time first_ms + n."""
    labels = _label("__name__", METRIC) + _label("job", "sender") + _label("series", series)
    samples = b"".join(_sample(number, first_ms + number) for number in numbers)
    return bytes(cramjam.snappy.compress_raw(_field(1, labels + samples)))


def send(client: httpx.Client, url: str, body: bytes) -> int:
    """Status of the answer; 0 if there was none, so that nothing was acknowledged."""
    try:
        answer = client.post(f"{url}/api/v1/write", content=body)
    except httpx.HTTPError:
        return 0
    return answer.status_code


def client(token: str) -> httpx.Client:
    """One connection with the headers that Prometheus sends."""
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Encoding": "snappy",
        "Content-Type": "application/x-protobuf",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }
    return httpx.Client(headers=headers, timeout=30)
