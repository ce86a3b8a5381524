"""Log records of errors as groups: the same exception from the same place is one error, however often it happens."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from telemetry.patterns.book import HEXADECIMAL, MESSAGE_FIELDS
from telemetry.patterns.masking import WILDCARD, masked_tokens
from telemetry.patterns.traces import Frame, Trace, read_trace

FRAMES_THAT_TELL: Final = 5
"""So many frames next to where it was raised say which error it is."""
LONGEST_TITLE: Final = 300
MOST_SHAPES: Final = 4096
"""Shapes of errors that are remembered."""
_TRACE_FIELDS: Final = (
    "exception", "exc_info", "stack_trace", "stacktrace", "stack", "traceback", "error.stack_trace",
    "exception.stacktrace",
)  # fmt: skip
_TYPE_FIELDS: Final = ("exception.type", "error.type", "exc_type", "error_type")
_TEXT_FIELDS: Final = ("exception.message", "error.message", "error", "err")


@dataclass(frozen=True, slots=True)
class ErrorSignature:
    """What tells one error from another, and how a person recognises it."""

    fingerprint: int
    """64 bits of a hash."""
    type: str
    """Exception type; "" for an error line without an exception."""
    title: str
    """The message with wildcards for values."""
    culprit: str
    """The nearest own frame: "process in checkout/services.py"; "" without a trace."""
    frames: tuple[str, ...]


def error_signature(body: str, attributes: str) -> ErrorSignature:
    """Signature of a record of an error; `attributes` is a JSON object as text, or ""."""
    document = {**_object(body), **_object(attributes)}
    text = _trace_text(document)
    trace = read_trace(text or body)
    message = _word(document, MESSAGE_FIELDS) if document else body
    if trace is None:
        kind = _word(document, _TYPE_FIELDS)
        return _signature(Trace(kind, _word(document, _TEXT_FIELDS) if kind else message, ()))
    return _signature(trace)


class SignatureCache:
    """Signatures of records that differ in digits and hexadecimal ids only, so that most are not read again."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[tuple[str, ...], ErrorSignature]] = {}

    def of(self, body: str, attributes: str) -> ErrorSignature:
        """`error_signature` of the record."""
        shape = f"{body}\0{attributes}".encode(errors="replace").translate(None, HEXADECIMAL)
        found = self._known.get(shape)
        if found is not None and all(word in body or word in attributes for word in found[0]):
            return found[1]
        signature = error_signature(body, attributes)
        if len(self._known) >= MOST_SHAPES:
            self._known.clear()
        self._known[shape] = (_words_of(signature), signature)
        return signature


def _words_of(signature: ErrorSignature) -> tuple[str, ...]:
    """What a record of this signature holds word for word."""
    title = [part for token in signature.title.split() for part in token.split(WILDCARD) if part.isalpha()]
    functions = [frame.split(" in ")[0] for frame in signature.frames]
    return tuple(dict.fromkeys(word for word in (signature.type, *title, *functions) if word))


def _signature(trace: Trace) -> ErrorSignature:
    told = [frame for frame in trace.frames if frame.own] or list(trace.frames)
    title = " ".join(masked_tokens(trace.message))[:LONGEST_TITLE]
    places = [str(frame) for frame in told[:FRAMES_THAT_TELL]]
    # with frames the message may vary freely; without any it is all there is
    identity = (trace.type, *(places or [title]))
    digest = hashlib.blake2b("\0".join(identity).encode(errors="replace"), digest_size=8).digest()
    return ErrorSignature(int.from_bytes(digest), trace.type, title, _culprit(told), tuple(map(str, trace.frames)))


def _culprit(frames: list[Frame]) -> str:
    return str(frames[0]) if frames else ""


def _object(text: str) -> Mapping[str, Any]:
    if not text.startswith("{"):
        return {}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _trace_text(document: Mapping[str, Any]) -> str:
    """The trace as text: of a field, or of one level below (`error: {stack: ...}`)."""
    for name in _TRACE_FIELDS:
        if isinstance(value := document.get(name), str) and value:
            return value
    for name in ("error", "err", "exception"):
        if isinstance(inner := document.get(name), dict):
            return next((str(inner[each]) for each in ("stack", "stack_trace", "stacktrace") if inner.get(each)), "")
    return ""


def _word(document: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((value for name in names if isinstance(value := document.get(name), str)), "")
