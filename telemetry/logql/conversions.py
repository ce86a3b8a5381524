"""Numbers, durations and sizes in text, read as Go programs read them. What is none raises ValueError in Go's words."""

import math
import re
from typing import Final

from telemetry.syntax.quoting import quote

_UNITS_NS: Final = {
    "ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
}  # fmt: skip
_LONG_UNITS_NS: Final = {
    "y": 365 * 86_400 * 10**9, "w": 7 * 86_400 * 10**9, "d": 86_400 * 10**9, "h": 3600 * 10**9, "m": 60 * 10**9,
    "s": 10**9, "ms": 1_000_000,
}  # fmt: skip
_LONG: Final = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)
_PIECE: Final = re.compile(r"(\d*)(?:(\.)(\d*))?([^\d.]*)", re.ASCII)
_LARGEST_NS: Final = 2**63 - 1
_FLOAT: Final = re.compile(
    r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?\d+)",
    re.ASCII,
)
_SPECIAL: Final = {"inf": math.inf, "infinity": math.inf, "nan": math.nan}
_SIZE: Final = re.compile(r"([0-9.,]*)(.*)", re.DOTALL)
_SIZES: Final = {
    "": 1, "b": 1,
    **{f"{letter}{end}": 1000**power for power, letter in enumerate("kmgtpe", 1) for end in ("", "b")},
    **{f"{letter}i{end}": 1024**power for power, letter in enumerate("kmgtpe", 1) for end in ("", "b")},
}  # fmt: skip


def parse_float(text: str) -> float:
    """Go's strconv.ParseFloat."""
    if _FLOAT.fullmatch(text):
        value = float.fromhex(text) if "x" in text.lower() else float(text)
        if math.isinf(value):
            raise ValueError(f"strconv.ParseFloat: parsing {quote(text)}: value out of range")
        return value
    special = _SPECIAL.get(text.lstrip("+-").lower()) if len(text) - len(text.lstrip("+-")) <= 1 else None
    if special is None:
        raise ValueError(f"strconv.ParseFloat: parsing {quote(text)}: invalid syntax")
    return -special if text.startswith("-") else special


def parse_go_duration_ns(text: str) -> int:
    """Go's time.ParseDuration: `1.5h`, `-3m20s`, `0`."""
    body = text[1:] if text[:1] in ("+", "-") else text
    if body == "0":
        return 0
    if not body:
        raise ValueError(f"time: invalid duration {quote(text)}")
    total, position = 0, 0
    while position < len(body):
        amount_ns, position = _piece_ns(text, body, position)
        total += amount_ns
    if total > _LARGEST_NS:
        raise ValueError(f"time: invalid duration {quote(text)}")
    return -total if text.startswith("-") else total


def _piece_ns(text: str, body: str, position: int) -> tuple[int, int]:
    """(nanoseconds of one number with its unit, where the next begins)."""
    found = _PIECE.match(body, position)
    if found is None or not (found[1] or found[3]):
        raise ValueError(f"time: invalid duration {quote(text)}")
    unit = found[4]
    if not unit:
        raise ValueError(f"time: missing unit in duration {quote(text)}")
    if unit not in _UNITS_NS:
        raise ValueError(f"time: unknown unit {quote(unit)} in duration {quote(text)}")
    scale = _UNITS_NS[unit]
    fraction = int(found[3]) * scale // 10 ** len(found[3]) if found[3] else 0
    return int(found[1] or "0") * scale + fraction, found.end()


def parse_range_ns(text: str) -> int:
    """Duration in Prometheus' units, as it stands between brackets: `5m`, `1w2d`."""
    if not text:
        raise ValueError("empty duration string")
    if text == "0":
        raise ValueError("duration must be greater than 0")
    found = _LONG.fullmatch(text)
    if found is None:
        raise ValueError(f"not a valid duration string: {quote(text)}")
    total = sum(int(n) * unit for n, unit in zip(found.groups("0"), _LONG_UNITS_NS.values(), strict=True))
    if total > _LARGEST_NS:
        raise ValueError("duration out of range")
    if total == 0:
        raise ValueError("duration must be greater than 0")
    return total


def parse_duration_ns(text: str) -> int:
    """Duration outside brackets: in Prometheus' units, else in Go's."""
    found = _LONG.fullmatch(text)
    if text and found is not None:
        total = sum(int(n) * unit for n, unit in zip(found.groups("0"), _LONG_UNITS_NS.values(), strict=True))
        if total <= _LARGEST_NS:
            return total
    return parse_go_duration_ns(text)


def parse_bytes(text: str) -> int:
    """Size such as `5KB` (1000) or `2.5 KiB` (1024); commas between digits are skipped."""
    found = _SIZE.match(text)
    digits, unit = (found[1].replace(",", ""), found[2].strip().lower()) if found else ("", "")
    value = parse_float(digits)
    if unit not in _SIZES:
        raise ValueError(f"unhandled size name: {unit}")
    size = int(value * _SIZES[unit])
    if size >= 2**64:
        raise ValueError(f"too large: {text}")
    return size


def format_go_duration(value_ns: int) -> str:
    """Go's Duration.String: `1h30m0s`, `1.5s`, `250ms`."""
    if value_ns == 0:
        return "0s"
    sign, rest = ("-", -value_ns) if value_ns < 0 else ("", value_ns)
    if rest < 10**9:
        unit, scale = next(pair for pair in (("ns", 1), ("µs", 1_000), ("ms", 1_000_000)) if rest < pair[1] * 1000)
        return f"{sign}{_decimal(rest, scale)}{unit}"
    minutes, seconds_ns = divmod(rest, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    shown = f"{_decimal(seconds_ns, 10**9)}s"
    if hours:
        shown = f"{hours}h{minutes}m{shown}"
    elif minutes:
        shown = f"{minutes}m{shown}"
    return sign + shown


def _decimal(value: int, scale: int) -> str:
    whole, rest = divmod(value, scale)
    digits = f"{rest:0{len(str(scale)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)


def format_range(value_ns: int) -> str:
    """Duration in Prometheus' units, as it stands between brackets."""
    rest = value_ns // 1_000_000
    if rest == 0:
        return "0s"
    parts: list[str] = []
    for unit, scale in (("y", 31_536_000_000), ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):  # fmt: skip # noqa: E501
        if unit in ("y", "w", "d") and rest % scale:
            continue
        count, rest = divmod(rest, scale)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def format_bytes(value: int) -> str:
    """Size that reads back as it was: in the largest unit that divides it, else in bytes."""
    for power, letter in reversed(list(enumerate("kMGTP", 1))):
        for base, infix in ((1000, ""), (1024, "i")):
            if value and value % base**power == 0:
                return f"{value // base**power}{letter.upper() if infix else letter}{infix}B"
    return f"{value}B"
