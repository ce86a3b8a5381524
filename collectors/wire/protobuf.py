"""The protobuf wire format, as far as the decoders need it by hand.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from collectors.wire.limits import DecodeLimits
from telemetry.model.errors import InvalidInput

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5

_LARGE: Final = 64 * 1024


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """(value, position behind it) of the unsigned varint at `position`. Raises InvalidInput if it is broken."""
    value = shift = 0
    try:
        while shift < 70:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & 0xFFFFFFFFFFFFFFFF, position
            shift += 7
    except IndexError as error:
        raise InvalidInput("broken protobuf: the message ends inside a number") from error
    raise InvalidInput("broken protobuf: a number of more than ten bytes")


def fields(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int, int, int]]:
    """(field number, wire type, start, end) of every field of the message data[start:end].

    start and end enclose the payload of a length-delimited field, the eight or four bytes of a fixed one, and the
    bytes of a varint. Raises InvalidInput if the message is broken.
    """
    position = start
    stop = len(data) if end is None else end
    while position < stop:
        tag = data[position]
        position += 1
        if tag >= 0x80:
            tag, position = read_varint(data, position - 1)
        wire_type = tag & 7
        if wire_type == BYTES:
            length, position = read_varint(data, position)
            behind = position + length
        elif wire_type == VARINT:
            _, behind = read_varint(data, position)
        elif wire_type == FIXED64:
            behind = position + 8
        elif wire_type == FIXED32:
            behind = position + 4
        else:
            raise InvalidInput(f"broken protobuf: wire type {wire_type} at byte {position}")
        if behind > stop or tag < 8:
            raise InvalidInput(f"broken protobuf: field {tag >> 3} at byte {position} is cut or has no number")
        yield tag >> 3, wire_type, position, behind
        position = behind


def submessages(data: bytes, number: int, limits: DecodeLimits) -> list[bytes]:
    """Payloads of the length-delimited field `number`, in order; everything else is skipped.

    Raises InvalidInput if `data` is broken, LimitExceeded if it has more fields than `limits.max_parts`.
    """
    found: list[bytes] = []
    for count, (field, wire_type, start, end) in enumerate(fields(data)):
        if field == number and wire_type == BYTES:
            found.append(data[start:end])
        if count >= limits.max_parts:
            limits.check_parts(count + 1)
    return found


def field_bytes(number: int, payload: bytes) -> bytes:
    """`payload` as the length-delimited field `number` (below 16)."""
    length = len(payload)
    frame = bytearray((number << 3 | BYTES,))
    while length > 0x7F:
        frame.append(length & 0x7F | 0x80)
        length >>= 7
    frame.append(length)
    return bytes(frame) + payload


def signed(value: int) -> int:
    """The int64 that a 64-bit varint stands for."""
    return value - (1 << 64) if value >= 1 << 63 else value


_LABELS: Final = {"optional": 1, "repeated": 3}


def message_type(name: str, **declared: tuple[int, str, str]) -> Any:
    """Message class with the given fields: name=(number, protobuf type, "optional" or "repeated").

    Submessages that are declared as `bytes` stay undecoded, which is what makes such a class fast and small;
    proto2 rules apply, so presence is known and text is not checked.
    """
    file = descriptor_pb2.FileDescriptorProto(name=f"belvedere/{name}.proto", package="belvedere", syntax="proto2")
    message = file.message_type.add(name=name)
    for field, (number, kind, label) in declared.items():
        type_number = descriptor_pb2.FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")
        message.field.add(name=field, number=number, type=type_number, label=_LABELS[label])
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"belvedere.{name}"))


def parse(kind: Any, data: bytes, limits: DecodeLimits) -> Any:
    """`data` as a message of class `kind`. Raises InvalidInput if it is broken, LimitExceeded if it has too many parts.

    Fields of a large message are counted before protobuf sees it, since it spends 16 bytes on one of two.
    """
    if len(data) > _LARGE:
        for count, _ in enumerate(fields(data), 1):
            if count > limits.max_parts:
                limits.check_parts(count)
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise InvalidInput(f"broken protobuf: {error}") from error


def utf8(data: bytes, what: str) -> str:
    """Text of `data`. Raises InvalidInput naming `what` if it is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{what} is not UTF-8: {data[:80]!r}") from error
