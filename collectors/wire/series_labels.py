"""Label sets as remote write carries them: the bytes of the label fields are a series' key."""

from collections.abc import Iterable

from collectors.wire.protobuf import BYTES, field_bytes, fields, utf8
from telemetry.model.errors import InvalidInput
from telemetry.model.labels import METRIC_NAME, Labels, label_value, labels_from

KEY_SPACE = "remote_write"


def decode_series_key(key: bytes) -> Labels:
    """Labels of a series from the bytes of its label fields (number 1), which must be all there is.

    Raises InvalidInput for anything else, for names that are empty or occur twice, for text that is not UTF-8, and
    for a series without a metric name. Source: https://prometheus.io/docs/specs/prw/remote_write_spec/#labels
    """
    return checked_labels(_pairs(key))


def encode_series_key(labels: Labels) -> bytes:
    """The inverse of `decode_series_key` for canonical labels."""
    return b"".join(
        field_bytes(1, field_bytes(1, name.encode()) + field_bytes(2, value.encode())) for name, value in labels
    )


def checked_labels(pairs: Iterable[tuple[str, str]]) -> Labels:
    """Canonical labels of one series. Raises InvalidInput for an empty or repeated name or without a metric name."""
    labels = labels_from(pairs)
    if any(not name for name, _ in labels):
        raise InvalidInput(f"a label name is empty in {series_text(labels)}")
    if not label_value(labels, METRIC_NAME):
        raise InvalidInput(f"the series {series_text(labels)} has no metric name (label {METRIC_NAME})")
    return labels


def series_text(labels: Labels) -> str:
    """`name{label="value", ...}`, cut at 200 characters: for messages."""
    inside = ", ".join(f'{name}="{value}"' for name, value in labels if name != METRIC_NAME)
    text = f"{label_value(labels, METRIC_NAME)}{{{inside}}}"
    return text if len(text) <= 200 else f"{text[:199]}…"


def _pairs(key: bytes) -> list[tuple[str, str]]:
    pairs = []
    for number, wire_type, start, end in fields(key):
        if number != 1 or wire_type != BYTES:
            raise InvalidInput(f"a series with field {number} between or before its labels is not understood")
        pairs.append(read_label(key, start, end))
    return pairs


def read_label(key: bytes, start: int, end: int) -> tuple[str, str]:
    """(name, value) of the Label message key[start:end]."""
    name = value = ""
    for number, wire_type, begin, stop in fields(key, start, end):
        if wire_type == BYTES and number == 1:
            name = utf8(key[begin:stop], "a label name")
        elif wire_type == BYTES and number == 2:
            value = utf8(key[begin:stop], f"the value of label {name!r}")
    return name, value
