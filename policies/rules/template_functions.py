"""Functions that templates of rules may call. Pure; none of them reaches outside.

Source: https://prometheus.io/docs/prometheus/latest/configuration/template_reference/#functions
"""

import html
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, quote_plus

import re2

from telemetry.model.errors import InvalidInput
from telemetry.promql.durations import parse_duration_ms

_VERB: Final = re.compile(r"%([-+# 0]*)(\d+|\*)?(?:\.(\d+|\*))?([a-zA-Z%])")
_MOST_WIDTH: Final = 1_000
_PREFIXES: Final = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL: Final = ("m", "u", "n", "p", "f", "a", "z", "y")
_BINARY: Final = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")


def to_number(value: Any) -> float:
    """Number of a template's value. Raises InvalidInput."""
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"can't convert {value!r} to float") from error


def go_text(value: Any) -> str:
    """A value as Go prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "<no value>"
    if isinstance(value, float):
        return _general(value, None)
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{name}:{go_text(value[name])}" for name in sorted(value)) + "]"
    if isinstance(value, list | tuple):
        return "[" + " ".join(go_text(entry) for entry in value) + "]"
    return str(value)


def _general(value: float, digits: int | None) -> str:
    """%g of Go: shortest digits, exponent below 1e-4 and from 1e6 (with a precision: from 10^precision)."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    scientific = f"{value:.{max(digits - 1, 0)}e}" if digits is not None else _shortest(value)
    mantissa, _, power = scientific.partition("e")
    exponent = int(power)
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    if exponent < -4 or exponent >= (6 if digits is None else max(digits, 1)):
        return f"{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    return _positional(mantissa, exponent)


def _shortest(value: float) -> str:
    sign, digits, point = "-" if value < 0 else "", *_digits(abs(value))
    return f"{sign}{digits[0]}.{digits[1:] or '0'}e{point - 1}"


def _digits(value: float) -> tuple[str, int]:
    """(shortest decimal digits, position of the point behind the first of them)."""
    mantissa, _, power = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits, point = whole + fraction, len(whole) + int(power or 0)
    stripped = digits.lstrip("0")
    return stripped.rstrip("0") or "0", point - (len(digits) - len(stripped))


def _positional(mantissa: str, exponent: int) -> str:
    sign, digits = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
    digits = digits.replace(".", "")
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    digits = digits.ljust(exponent + 1, "0")
    whole, fraction = digits[: exponent + 1], digits[exponent + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def go_printf(layout: str, *arguments: Any) -> str:
    """Go's Sprintf for the verbs that templates use. What does not fit is shown as Go shows it."""
    rest = list(arguments)

    def replaced(found: "re.Match[str]") -> str:
        flags, width, precision, verb = found.groups()
        if verb == "%":
            return "%"
        sizes = [_size(text, rest) for text in (width, precision)]
        if not rest:
            return f"%!{verb}(MISSING)"
        return _padded(_formatted(verb, flags, sizes[1], rest.pop(0)), flags, sizes[0], verb)

    text = _VERB.sub(replaced, go_text(layout))
    if not rest:
        return text
    return f"{text}%!(EXTRA {', '.join(f'{_type_name(value)}={go_text(value)}' for value in rest)})"


def _size(text: str | None, rest: list[Any]) -> int | None:
    if text is None:
        return None
    number = int(to_number(rest.pop(0)) if text == "*" and rest else text.replace("*", "0"))
    return min(number, _MOST_WIDTH)


def _formatted(verb: str, flags: str, precision: int | None, value: Any) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match verb:
        case "v":
            return _signed(go_text(value), flags) if is_number else go_text(value)
        case "s" if isinstance(value, str):
            return value if precision is None else value[:precision]
        case "q" if isinstance(value, str):
            return json.dumps(value, ensure_ascii=False)
        case "t" if isinstance(value, bool):
            return go_text(value)
        case "d" if isinstance(value, int) and is_number:
            return _signed(str(value), flags)
        case "x" | "X" if isinstance(value, int) and is_number:
            return f"{value:{verb}}"
        case "e" | "E" | "f" | "F" | "g" | "G" if isinstance(value, float):
            return _signed(_float_text(verb, precision, value), flags)
    return f"%!{verb}({_type_name(value)}={go_text(value)})"


def _float_text(verb: str, precision: int | None, value: float) -> str:
    if not math.isfinite(value):
        return _general(value, None)
    if verb in "gG":
        text = _general(value, precision)
    else:
        text = f"{value:.{6 if precision is None else precision}{verb.lower()}}"
    return text.upper() if verb in "EG" else text


def _signed(text: str, flags: str) -> str:
    return f"+{text}" if "+" in flags and text[0] not in "+-" else text


def _padded(text: str, flags: str, width: int | None, verb: str) -> str:
    if width is None:
        return text
    if "-" in flags:
        return text.ljust(width)
    if "0" in flags and verb not in "sqv":
        return text.zfill(width)
    return text.rjust(width)


def _type_name(value: Any) -> str:
    names = {bool: "bool", int: "int", float: "float64", str: "string", type(None): "<nil>"}
    return names.get(type(value), "map[string]string")


def humanize(value: Any) -> str:
    """With a metric prefix: 1234567 is 1.235M."""
    number = to_number(value)
    if number == 0 or not math.isfinite(number):
        return _general(number, 4)
    prefix = ""
    if abs(number) >= 1:
        for candidate in _PREFIXES:
            if abs(number) < 1000:
                break
            prefix, number = candidate, number / 1000
    else:
        for candidate in _SMALL:
            if abs(number) >= 1:
                break
            prefix, number = candidate, number * 1000
    return f"{_general(number, 4)}{prefix}"


def humanize1024(value: Any) -> str:
    """With a binary prefix: 1048576 is 1Mi."""
    number, prefix = to_number(value), ""
    if abs(number) <= 1 or not math.isfinite(number):
        return _general(number, 4)
    for candidate in _BINARY:
        if abs(number) < 1024:
            break
        prefix, number = candidate, number / 1024
    return f"{_general(number, 4)}{prefix}"


def humanize_duration(value: Any) -> str:
    """Seconds in words: 3661 is 1h 1m 1s."""
    seconds = to_number(value)
    if not math.isfinite(seconds):
        return _general(seconds, 4)
    if seconds == 0:
        return "0s"
    if abs(seconds) < 1:
        return _small_duration(seconds)
    sign, rest = ("-", -seconds) if seconds < 0 else ("", seconds)
    whole = int(rest)
    if whole < 60:
        return f"{sign}{_general(rest, 4)}s" if rest != whole else f"{sign}{whole}s"
    days, hours, minutes = whole // 86_400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {whole % 60}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {whole % 60}s"
    return f"{sign}{minutes}m {whole % 60}s"


def _small_duration(seconds: float) -> str:
    prefix = ""
    for candidate in _SMALL:
        if abs(seconds) >= 1:
            break
        prefix, seconds = candidate, seconds * 1000
    return f"{_general(seconds, 4)}{prefix}s"


def humanize_percentage(value: Any) -> str:
    """A ratio as a percentage of four digits: 0.1234 is 12.34%."""
    return f"{_general(to_number(value) * 100, 4)}%"


def humanize_timestamp(value: Any) -> str:
    """Seconds since 1970 as Go prints a time in UTC."""
    seconds = to_number(value)
    if not math.isfinite(seconds):
        return _general(seconds, 4)
    whole, milliseconds = divmod(int(seconds * 1000), 1000)
    try:
        when = datetime.fromtimestamp(whole, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidInput(f"{seconds:g} is no time that can be shown") from error
    fraction = f".{milliseconds:03d}".rstrip("0") if milliseconds else ""
    return f"{when:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


def _regex(pattern: Any) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(go_text(pattern), options)
    except re2.error as error:
        raise InvalidInput(f"invalid regular expression {pattern!r}: {error}") from error


def _re_replace_all(pattern: Any, replacement: Any, text: Any) -> str:
    into = re.sub(r"\$\{?(\d+)\}?", r"\\\1", go_text(replacement).replace("\\", "\\\\"))
    return str(_regex(pattern).sub(into, go_text(text)))


def _is_true(value: Any) -> bool:
    return value is not None and value is not False and value != 0 and value not in ("", (), []) and value != {}


def _and(*values: Any) -> Any:
    return next((value for value in values if not _is_true(value)), values[-1])


def _or(*values: Any) -> Any:
    return next((value for value in values if _is_true(value)), values[-1])


def _index(container: Any, *keys: Any) -> Any:
    for key in keys:
        try:
            container = container.get(key, "") if isinstance(container, Mapping) else container[int(key)]
        except (IndexError, TypeError, ValueError, AttributeError) as error:
            raise InvalidInput(f"error calling index: {key!r} is not in {go_text(container)[:80]}") from error
    return container


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compared(left: Any, right: Any) -> bool:
        if isinstance(left, str) is not isinstance(right, str):
            raise InvalidInput("incompatible types for comparison")
        return test(left, right)

    return compared


def _first(values: Sequence[Any]) -> Any:
    if not values:
        raise InvalidInput("first() called on vector with no elements")
    return values[0]


def _strip_port(value: Any) -> str:
    text = go_text(value)
    return re.sub(r":\d+$", "", text).strip("[]") if text.count(":") == 1 or text.startswith("[") else text


def _strip_domain(value: Any) -> str:
    text = go_text(value)
    host, colon, port = text.partition(":")
    if re.fullmatch(r"[\d.]+", host) or text.count(":") > 1:
        return text
    return f"{host.partition('.')[0]}{colon}{port}"


def _needs_query(*_: Any) -> Any:
    raise InvalidInput("this function is given by the evaluation")


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "and": _and,
    "args": lambda *values: {f"arg{number}": value for number, value in enumerate(values)},
    "eq": lambda left, *right: any(_compare(lambda one, other: bool(one == other))(left, each) for each in right),
    "externalURL": lambda: "",
    "first": _first,
    "ge": _compare(lambda left, right: bool(left >= right)),
    "graphLink": lambda expr: f"/graph?g0.expr={quote_plus(go_text(expr))}&g0.tab=0",
    "gt": _compare(lambda left, right: bool(left > right)),
    "html": lambda *values: html.escape("".join(map(go_text, values))),
    "humanize": humanize,
    "humanize1024": humanize1024,
    "humanizeDuration": humanize_duration,
    "humanizePercentage": humanize_percentage,
    "humanizeTimestamp": humanize_timestamp,
    "index": _index,
    "js": lambda *values: json.dumps("".join(map(go_text, values)))[1:-1],
    "label": lambda name, sample: sample.get("Labels", {}).get(name, ""),
    "le": _compare(lambda left, right: bool(left <= right)),
    "len": len,
    "lt": _compare(lambda left, right: bool(left < right)),
    "match": lambda pattern, text: _regex(pattern).search(go_text(text)) is not None,
    "ne": _compare(lambda left, right: bool(left != right)),
    "not": lambda value: not _is_true(value),
    "or": _or,
    "parseDuration": lambda text: parse_duration_ms(go_text(text)) / 1000,
    "pathPrefix": lambda: "",
    "print": lambda *values: "".join(map(go_text, values)),
    "printf": go_printf,
    "println": lambda *values: " ".join(map(go_text, values)) + "\n",
    "query": _needs_query,
    "reReplaceAll": _re_replace_all,
    "safeHtml": go_text,
    "sortByLabel": lambda name, samples: sorted(samples, key=lambda one: one.get("Labels", {}).get(name, "")),
    "stripDomain": _strip_domain,
    "stripPort": _strip_port,
    "strvalue": lambda sample: sample.get("Labels", {}).get("__value__", ""),
    "tableLink": lambda expr: f"/graph?g0.expr={quote_plus(go_text(expr))}&g0.tab=1",
    "title": lambda text: go_text(text).title(),
    "toLower": lambda text: go_text(text).lower(),
    "toTime": humanize_timestamp,
    "toUpper": lambda text: go_text(text).upper(),
    "urlquery": lambda *values: quote("".join(map(go_text, values)), safe=""),
    "value": lambda sample: sample.get("Value", math.nan),
}
"""By name; `query` is replaced by the one that evaluates a template."""

is_true = _is_true
