"""OTLP attributes and values: any nesting in, JSON text out.

Source: opentelemetry/proto/common/v1/common.proto and, for values as text,
https://opentelemetry.io/docs/specs/otel/common/#anyvalue
"""

import base64
import math
import struct
from collections.abc import Mapping
from typing import Any, Final

import orjson

from collectors.wire.limits import MAX_DEPTH, DecodeLimits
from collectors.wire.protobuf import BYTES, FIXED64, VARINT, fields, read_varint, signed
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import Labels

_DOUBLE: Final = struct.Struct("<d")
_MEMORY_ENTRIES: Final = 20_000
_MEMORY_BYTES: Final = 40
"""Longest attribute that is worth remembering: ids and paths are longer, and do not repeat."""

_remembered: dict[bytes, tuple[str, Any]] = {}
"""Encoded attribute -> (key, value): attributes repeat from record to record. Emptied when it is full."""


class AttributeReader:
    """Reads the attributes of one request, within one allowance of parts."""

    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits
        self._parts = 0

    def json_object(self, attributes: list[bytes], further: Mapping[str, Any]) -> str:
        """`{"key":value,...}` of `further` and encoded KeyValues, of equal keys the last; '' if there are none."""
        found = dict(further)
        for attribute in attributes:
            key, value = _remembered.get(attribute) or self._read(attribute)
            found[key] = value
        return orjson.dumps(found).decode() if found else ""

    def labels(self, attributes: list[bytes]) -> Labels:
        """(key, value as text) pairs sorted by key, empty values left out; of equal keys the last."""
        pairs = dict(map(self.pair, attributes))
        texts = ((key, value_text(value)) for key, value in sorted(pairs.items()))
        return tuple((key, text) for key, text in texts if text)

    def pair(self, attribute: bytes, depth: int = 0) -> tuple[str, Any]:
        """(key, value) of one encoded KeyValue."""
        key, value = "", None
        for number, wire_type, start, end in fields(attribute):
            if number == 1 and wire_type == BYTES:
                key = attribute[start:end].decode(errors="replace")
            elif number == 2 and wire_type == BYTES:
                value = self.value(attribute[start:end], depth)
        return key, value

    def value(self, data: bytes, depth: int = 0) -> Any:
        """An encoded AnyValue as what JSON can hold; bytes as base64, infinities and NaN by name.

        Raises InvalidInput if it is broken or nested deeper than 64 levels, LimitExceeded.
        """
        if depth > MAX_DEPTH:
            raise InvalidInput(f"an attribute value is nested deeper than {MAX_DEPTH} levels")
        found: Any = None
        for number, wire_type, start, end in fields(data):
            if wire_type == BYTES:
                found = self._composite(number, data[start:end], depth)
            elif wire_type == VARINT:
                plain = read_varint(data, start)[0]
                found = bool(plain) if number == 2 else signed(plain)
            elif wire_type == FIXED64:
                found = json_number(_DOUBLE.unpack(data[start:end])[0])
        return found

    def _composite(self, number: int, payload: bytes, depth: int) -> Any:
        match number:
            case 1:
                return payload.decode(errors="replace")
            case 5:
                return [self.value(item, depth + 1) for item in self._items(payload)]
            case 6:
                return dict(self.pair(item, depth + 1) for item in self._items(payload))
            case 7:
                return base64.b64encode(payload).decode()
        return None

    def _items(self, payload: bytes) -> list[bytes]:
        items = []
        for number, wire_type, start, end in fields(payload):
            self._parts += 1
            if self._parts > self._limits.max_parts:
                self._limits.check_parts(self._parts)
            if number == 1 and wire_type == BYTES:
                items.append(payload[start:end])
        return items

    def _read(self, attribute: bytes) -> tuple[str, Any]:
        found = _usual_pair(attribute) or self.pair(attribute)
        if len(attribute) <= _MEMORY_BYTES:
            if len(_remembered) >= _MEMORY_ENTRIES:
                _remembered.clear()
            _remembered[attribute] = found
        return found


def _usual_pair(attribute: bytes) -> tuple[str, Any] | None:
    """(key, value) of a KeyValue under 128 bytes that is encoded as usual with a plain value, None for any other."""
    size = len(attribute)
    behind_key = 2 + attribute[1] if 6 < size < 128 and attribute[0] == 0x0A else size
    if behind_key + 3 >= size or attribute[behind_key] != 0x12 or attribute[behind_key + 1] != size - behind_key - 2:
        return None
    kind = attribute[behind_key + 2]
    if kind == 0x0A and attribute[behind_key + 3] == size - behind_key - 4:
        return attribute[2:behind_key].decode(errors="replace"), attribute[behind_key + 4 :].decode(errors="replace")
    if kind == 0x18 and attribute[-1] < 0x80 and size - behind_key < 8:
        return attribute[2:behind_key].decode(errors="replace"), _small_number(attribute[behind_key + 3 :])
    if kind == 0x21 and size - behind_key == 11:
        number = _DOUBLE.unpack_from(attribute, behind_key + 3)[0]
        return attribute[2:behind_key].decode(errors="replace"), json_number(number)
    return None


def _small_number(varint: bytes) -> int | None:
    value = 0
    for byte in reversed(varint):
        value = value << 7 | byte & 0x7F
    return value


def json_text(value: Any) -> str:
    return orjson.dumps(value).decode()


def json_number(value: float) -> float | str:
    """`value`, or its protobuf name where JSON has no number for it."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def value_text(value: Any) -> str:
    """A value as a label or body carries it: text as it is, everything else as JSON, nothing as ''."""
    if isinstance(value, str):
        return value
    return "" if value is None else json_text(value)
