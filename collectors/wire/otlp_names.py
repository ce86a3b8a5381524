"""Names of OTLP metrics and attributes as Prometheus writes them.

Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#otlp-metric-points-to-prometheus
"""

import re
from functools import lru_cache
from typing import Final

from telemetry.model.errors import InvalidInput

UNITS: Final = {
    "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds",
    "ns": "nanoseconds", "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes",
    "TiBy": "tebibytes", "kBy": "kilobytes", "KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes",
    "TBy": "terabytes", "m": "meters", "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams",
    "Cel": "celsius", "Hz": "hertz", "%": "percent", "1": "",
}  # fmt: skip
PER_UNITS: Final = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year"}

_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9:]+")
_NOT_IN_LABELS: Final = re.compile(r"[^a-zA-Z0-9_]")


@lru_cache(maxsize=20_000)
def metric_name(name: str, unit: str, *, counter: bool, gauge: bool) -> str:
    """Name of the metric family: words joined by `_`, then the unit, then `total` or `ratio`.

    Raises InvalidInput if nothing of the name is left.
    """
    words = [word for word in _NOT_IN_NAMES.split(name) if word]
    if not words:
        raise InvalidInput(f"the metric name {name!r} has no character that Prometheus knows")
    words += [suffix for suffix in _unit_words(unit) if suffix and suffix not in words]
    if counter:
        words = [word for word in words if word != "total"] + ["total"]
    if gauge and unit == "1":
        words = [word for word in words if word != "ratio"] + ["ratio"]
    joined = "_".join(words)
    return f"_{joined}" if joined[0].isdigit() else joined


@lru_cache(maxsize=20_000)
def label_name(key: str) -> str:
    """Name of the label for an attribute key. Raises InvalidInput if nothing but underscores is left of it."""
    name = _NOT_IN_LABELS.sub("_", key)
    if not name.strip("_"):
        raise InvalidInput(f"the attribute key {key!r} has no character that a label name may have")
    if name[0].isdigit():
        return f"key_{name}"
    return f"key{name}" if name[0] == "_" and not name.startswith("__") else name


def _unit_words(unit: str) -> tuple[str, str]:
    """The unit's name and its "per_..." part, each '' if there is none; what stands in braces is no unit."""
    main, slash, per = (part.strip() for part in unit.partition("/"))
    main_word = "" if "{" in main or "}" in main else _cleaned(UNITS.get(main, main))
    per_word = "" if not slash or "{" in per or "}" in per else _cleaned(PER_UNITS.get(per, per))
    return main_word, f"per_{per_word}" if per_word else ""


def _cleaned(unit: str) -> str:
    return _NOT_IN_NAMES.sub("_", unit).strip("_")
