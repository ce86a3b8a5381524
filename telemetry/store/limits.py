"""What the store refuses, and the sentence that says why: value, limit and the setting that holds it."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from telemetry.model.errors import InvalidInput
from telemetry.model.labels import METRIC_NAME, Labels, label_value
from telemetry.model.samples import Refusal
from telemetry.store.settings import ENV_NAMES, StoreSettings

_SHOWN_CHARACTERS: Final = 200


class Refused(Exception):
    """One series or stream that is not taken."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def over_limit(reason: str, what: str, field: str, settings: StoreSettings) -> Refused:
    """Refusal with the sentence "`what`; the limit is N (BELVEDERE_...)"."""
    return Refused(reason, f"{what}; the limit is {getattr(settings, field)} ({ENV_NAMES[field]})")


def check_labels(labels: Labels, settings: StoreSettings) -> None:
    """Raise Refused for a label set that is too large or no label set at all. Any UTF-8 name is valid but ''."""
    if len(labels) > settings.max_labels:
        raise over_limit("too_many_labels", f"{shown(labels)} has {len(labels)} labels", "max_labels", settings)
    for name, value in labels:
        _check_name(name, labels, settings)
        _check_value(name, value, labels, settings)


def check_metric_name(labels: Labels) -> None:
    """Raise Refused for labels that name no metric."""
    if not label_value(labels, METRIC_NAME):
        raise Refused("no_metric_name", f"{shown(labels)} has no metric name ({METRIC_NAME})")


def _check_name(name: str, labels: Labels, settings: StoreSettings) -> None:
    if not name:
        raise Refused("invalid_labels", f"{shown(labels)} has an empty label name")
    if (size := _utf8_bytes(name, labels)) > settings.max_label_name_bytes:
        what = f"label name {_cut(name)!r} of {shown(labels)} has {size} bytes"
        raise over_limit("label_name_too_long", what, "max_label_name_bytes", settings)


def _check_value(name: str, value: str, labels: Labels, settings: StoreSettings) -> None:
    if (size := _utf8_bytes(value, labels)) > settings.max_label_value_bytes:
        what = f"value of label {_cut(name)!r} of {shown(labels)} has {size} bytes"
        raise over_limit("label_value_too_long", what, "max_label_value_bytes", settings)


def _utf8_bytes(text: str, labels: Labels) -> int:
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise Refused("invalid_labels", f"{shown(labels)} is not valid Unicode") from error


def invalid_labels(error: InvalidInput) -> Refused:
    """Refusal of a key whose labels cannot be decoded."""
    return Refused("invalid_labels", str(error))


def shown(labels: Labels) -> str:
    """`metric{name="value", ...}` cut to a readable length, for sentences."""
    pairs = ", ".join(f"{name}={_cut(value)!r}" for name, value in labels[:12] if name != METRIC_NAME)
    return _cut(f"{label_value(labels, METRIC_NAME)}{{{pairs}}}".encode(errors="backslashreplace").decode())


def instant(timestamp_ms: int) -> str:
    """Timestamp as a reader wants it; the number itself if it lies outside the calendar."""
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return f"{timestamp_ms} ms"


def summarised(refused: Iterable[tuple[Refused, int]]) -> tuple[Refusal, ...]:
    """One Refusal a reason: how many rows it took, told by its first case and the number of further ones."""
    first: dict[str, str] = {}
    rows: Counter[str] = Counter()
    cases: Counter[str] = Counter()
    for refusal, count in refused:
        first.setdefault(refusal.reason, refusal.message)
        rows[refusal.reason] += count
        cases[refusal.reason] += 1
    return tuple(
        Refusal(reason, message + _and_more(cases[reason] - 1), rows[reason]) for reason, message in first.items()
    )


def _and_more(cases: int) -> str:
    return f" (and {cases} more like it)" if cases else ""


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
