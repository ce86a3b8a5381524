"""Functions of templates, by name: those that LogQL documents and the builtin ones of Go's templates.

Source: https://grafana.com/docs/loki/latest/query/template_functions/
"""

import base64
import binascii
import math
import time
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, DivisionByZero, InvalidOperation, localcontext
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

import re2

from telemetry.logql.conversions import parse_bytes, parse_float, parse_go_duration_ns
from telemetry.logql.templates.go_format import from_json, printf, shown
from telemetry.logql.templates.go_time import ZERO, GoTime, parse_time, zone_named
from telemetry.logql.templates.nodes import TemplateError

_LONGEST: Final = 1_048_576
"""Characters that one function may make."""


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TemplateError(f"wrong type for value; expected string; got {shown(value)}")
    return value


def _whole(value: Any) -> int:
    """sprig's toInt64: text that is no number is 0."""
    match value:
        case bool():
            return int(value)
        case int():
            return value
        case float():
            return int(value) if math.isfinite(value) else 0
        case str():
            try:
                return int(value, 0) if not value.lstrip("+-").isdigit() else int(value)
            except ValueError:
                return 0
    return 0


def _float(value: Any) -> float:
    match value:
        case bool():
            return float(value)
        case int() | float():
            return float(value)
        case str():
            try:
                return parse_float(value)
            except ValueError:
                return 0.0
    return 0.0


def _int64(value: int) -> int:
    """Wrapped as Go's int64."""
    return (value + 2**63) % 2**64 - 2**63


@lru_cache(maxsize=256)
def _regexp(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise TemplateError(f"error parsing regexp: {pattern!r}") from error


def _limited(text: str) -> str:
    if len(text) > _LONGEST:
        raise TemplateError(f"a function made {len(text)} characters, the limit is {_LONGEST}")
    return text


def _repeat(count: Any, text: Any) -> str:
    number = max(0, _whole(count))
    if number * len(_text(text)) > _LONGEST:
        raise TemplateError(f"repeat would make {number * len(text)} characters, the limit is {_LONGEST}")
    return number * _text(text)


def _replaced(text: Any, old: Any, new: Any, count: Any) -> str:
    number = _whole(count)
    return _limited(_text(text).replace(_text(old), _text(new), -1 if number < 0 else number))


def _expanded(pattern: Any, text: Any, replacement: Any) -> str:
    """Go's ReplaceAllString: $1 and ${name} stand for groups."""
    return _limited(_regexp(_text(pattern)).sub(lambda found: expand(_text(replacement), found), _text(text)))


def expand(template: str, found: Any) -> str:
    """Template with $1, $name and ${name} replaced by groups of a match; unknown ones are empty, $$ is a dollar."""
    names = found.groupdict()

    def group(reference: Any) -> str:
        if reference["dollar"]:
            return "$"
        name = reference["name"] or reference["braced"]
        if name.isdigit():
            return (found.group(int(name)) or "") if int(name) <= len(found.groups()) else ""
        return names.get(name) or ""

    result: str = _REFERENCE.sub(group, template)
    return result


_REFERENCE: Final = re2.compile(r"\$(?:(?P<dollar>\$)|(?P<name>\w+)|\{(?P<braced>\w+)\})")


def _literally(pattern: Any, text: Any, replacement: Any) -> str:
    return _limited(_regexp(_text(pattern)).sub(lambda _: _text(replacement), _text(text)))


def _count(pattern: Any, text: Any) -> int:
    return sum(1 for _ in _regexp(_text(pattern)).finditer(_text(text)))


def _substr(start: Any, end: Any, text: Any) -> str:
    first, last, whole = _whole(start), _whole(end), _text(text)
    if first < 0:
        return whole[: max(0, last)]
    if last < 0 or last > len(whole):
        return whole[first:]
    return whole[first:last]


def _trunc(count: Any, text: Any) -> str:
    number, whole = _whole(count), _text(text)
    if number < 0 and len(whole) + number > 0:
        return whole[number:]
    return whole[:number] if 0 <= number < len(whole) else whole


def _align_left(count: Any, text: Any) -> str:
    number = min(_whole(count), _LONGEST)
    return _text(text) if number < 0 else _text(text)[:number].ljust(number)


def _align_right(count: Any, text: Any) -> str:
    number, whole = min(_whole(count), _LONGEST), _text(text)
    return whole if number < 0 else (whole[len(whole) - number :] if number < len(whole) else whole.rjust(number))


def _title(text: Any) -> str:
    whole = _text(text)
    return "".join(
        character.upper() if not index or not (whole[index - 1].isalnum() or whole[index - 1] in "_'") else character
        for index, character in enumerate(whole)
    )


def _indent(count: Any, text: Any) -> str:
    margin = " " * min(max(0, _whole(count)), 1000)
    return _limited(margin + _text(text).replace("\n", "\n" + margin))


def _b64dec(text: Any) -> str:
    try:
        return base64.b64decode(_text(text) + "=" * (-len(text) % 4), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as error:
        raise TemplateError(f"illegal base64 data: {error}") from error


def _decimal(first: Any, rest: tuple[Any, ...], step: Callable[[Decimal, Decimal], Decimal]) -> float:
    """sprig's float arithmetic: decimal numbers, quotients to 16 places."""
    with localcontext() as context:
        context.prec = 60
        try:
            total = Decimal(repr(_float(first)))
            for value in rest:
                total = step(total, Decimal(repr(_float(value))))
        except (InvalidOperation, DivisionByZero) as error:
            raise TemplateError("division by 0") from error
    return float(total)


def _quotient(lhs: Decimal, rhs: Decimal) -> Decimal:
    return (lhs / rhs).quantize(Decimal(1).scaleb(-16), ROUND_HALF_UP)


def _div(lhs: Any, rhs: Any) -> int:
    left, right = _whole(lhs), _whole(rhs)
    if right == 0:
        raise TemplateError("runtime error: integer divide by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _mod(lhs: Any, rhs: Any) -> int:
    return _whole(lhs) - _whole(rhs) * _div(lhs, rhs)


def _add(*values: Any) -> int:
    return _int64(sum(_whole(value) for value in values))


def _mul(*values: Any) -> int:
    product = 1
    for value in values:
        product = _int64(product * _whole(value))
    return product


def _round(value: Any, places: Any, on: Any = 0.5) -> float:
    number, scale = _float(value), 10.0 ** _whole(places)
    digit = scale * number
    if not math.isfinite(digit):
        return number
    fraction = math.fmod(digit, 1)
    return (math.ceil(digit) if fraction >= _float(on) else math.floor(digit)) / scale


def _default(fallback: Any, *given: Any) -> Any:
    value = given[0] if given else None
    return value if is_true(value) else fallback


def _time(value: Any) -> GoTime:
    match value:
        case GoTime():
            return value
        case int() | float():
            return GoTime(int(value) * 10**9)
    return GoTime(time.time_ns())


def _to_date(layout: Any, text: Any, zone: Any = "UTC") -> GoTime:
    try:
        return parse_time(_text(layout), _text(text), zone_named(_text(zone)))
    except (ValueError, OverflowError):
        return ZERO


def _unix_to_time(text: Any) -> GoTime:
    whole = shown(text)
    scale = {5: 86_400 * 10**9, 10: 10**9, 13: 10**6, 16: 10**3, 19: 1}.get(len(whole))
    if scale is None or not whole.isdigit():
        raise TemplateError(f"unable to parse time {whole!r}")
    return GoTime(int(whole) * scale)


def _converted(convert: Callable[[str], float]) -> Callable[[Any], float]:
    def apply(value: Any) -> float:
        try:
            return convert(_text(value))
        except ValueError as error:
            raise TemplateError(str(error)) from error

    return apply


def is_true(value: Any) -> bool:
    """What an if takes for true: anything but zero, emptiness and nil."""
    return bool(value) or isinstance(value, GoTime)


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, dict) and isinstance(key, str):
            value = value.get(key)
        elif isinstance(value, list | str) and isinstance(key, int) and not isinstance(key, bool):
            if not 0 <= key < len(value):
                raise TemplateError(f"index out of range: {key}")
            value = ord(value[key]) if isinstance(value, str) else value[key]
        else:
            raise TemplateError(f"cannot index {shown(value)[:100]} with {shown(key)[:100]}")
    return value


def _slice(value: Any, *ends: Any) -> Any:
    if not isinstance(value, list | str):
        raise TemplateError("can't slice item")
    first, last = (_whole(end) for end in (*ends, *(0, len(value))[len(ends) :][:2]))
    if not 0 <= first <= last <= len(value):
        raise TemplateError("slice index out of range")
    return value[first:last]


def _length(value: Any) -> int:
    if not isinstance(value, str | list | dict):
        raise TemplateError("len of a value that has none")
    return len(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else len(value)


def _same_kind(lhs: Any, rhs: Any) -> None:
    kinds = [
        "bool" if isinstance(one, bool) else "number" if isinstance(one, int) else type(one).__name__
        for one in (lhs, rhs)
    ]
    if kinds[0] != kinds[1] and None not in (lhs, rhs):
        raise TemplateError("incompatible types for comparison")


def _equal(first: Any, *others: Any) -> bool:
    if not others:
        raise TemplateError("missing argument for comparison")
    for other in others:
        _same_kind(first, other)
    return any(first == other for other in others)


def _less(lhs: Any, rhs: Any) -> bool:
    _same_kind(lhs, rhs)
    if not isinstance(lhs, int | float | str):
        raise TemplateError("incompatible types for comparison")
    return bool(lhs < rhs)


def _less_or_equal(lhs: Any, rhs: Any) -> bool:
    return _less(lhs, rhs) or _equal(lhs, rhs)


def _printed(*values: Any) -> str:
    """Go's fmt.Sprint: spaces between neighbours that are both no strings."""
    text = ""
    for index, value in enumerate(values):
        if index and not isinstance(value, str) and not isinstance(values[index - 1], str):
            text += " "
        text += shown(value)
    return text


def _html(value: Any) -> str:
    text = shown(value)
    for raw, entity in (("&", "&amp;"), ("'", "&#39;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&#34;")):
        text = text.replace(raw, entity)
    return text


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "ToLower": lambda text: _text(text).lower(),
    "ToUpper": lambda text: _text(text).upper(),
    "Replace": _replaced,
    "Trim": lambda text, cut: _text(text).strip(_text(cut)),
    "TrimLeft": lambda text, cut: _text(text).lstrip(_text(cut)),
    "TrimRight": lambda text, cut: _text(text).rstrip(_text(cut)),
    "TrimPrefix": lambda text, prefix: _text(text).removeprefix(_text(prefix)),
    "TrimSuffix": lambda text, suffix: _text(text).removesuffix(_text(suffix)),
    "TrimSpace": lambda text: _text(text).strip(),
    "regexReplaceAll": _expanded,
    "regexReplaceAllLiteral": _literally,
    "count": _count,
    "urldecode": lambda text: unquote_plus(_text(text)),
    "urlencode": lambda text: quote_plus(_text(text)),
    "bytes": _converted(lambda text: float(parse_bytes(text))),
    "duration": _converted(lambda text: parse_go_duration_ns(text) / 1e9),
    "duration_seconds": _converted(lambda text: parse_go_duration_ns(text) / 1e9),
    "unixEpoch": lambda moment: str(_time(moment).ns // 10**9),
    "unixEpochMillis": lambda moment: str(_time(moment).ns // 10**6),
    "unixEpochNanos": lambda moment: str(_time(moment).ns),
    "unixToTime": _unix_to_time,
    "toDate": _to_date,
    "toDateInZone": lambda layout, zone, text: _to_date(layout, text, zone),
    "date": lambda layout, moment: _time(moment).format(_text(layout)),
    "now": lambda: GoTime(time.time_ns()),
    "alignLeft": _align_left,
    "alignRight": _align_right,
    "b64enc": lambda text: base64.b64encode(_text(text).encode("utf-8", "surrogateescape")).decode(),
    "b64dec": _b64dec,
    "lower": lambda text: _text(text).lower(),
    "upper": lambda text: _text(text).upper(),
    "title": _title,
    "trunc": _trunc,
    "substr": _substr,
    "contains": lambda part, text: _text(part) in _text(text),
    "hasPrefix": lambda prefix, text: _text(text).startswith(_text(prefix)),
    "hasSuffix": lambda suffix, text: _text(text).endswith(_text(suffix)),
    "eq": _equal,
    "ne": lambda lhs, rhs: not _equal(lhs, rhs),
    "lt": _less,
    "le": _less_or_equal,
    "gt": lambda lhs, rhs: not _less_or_equal(lhs, rhs),
    "ge": lambda lhs, rhs: not _less(lhs, rhs),
    "not": lambda value: not is_true(value),
    "indent": _indent,
    "nindent": lambda count, text: "\n" + _indent(count, text),
    "replace": lambda old, new, text: _replaced(text, old, new, -1),
    "repeat": _repeat,
    "trim": lambda text: _text(text).strip(),
    "trimAll": lambda cut, text: _text(text).strip(_text(cut)),
    "trimSuffix": lambda suffix, text: _text(text).removesuffix(_text(suffix)),
    "trimPrefix": lambda prefix, text: _text(text).removeprefix(_text(prefix)),
    "int": _whole,
    "float64": _float,
    "add": _add,
    "sub": lambda lhs, rhs: _int64(_whole(lhs) - _whole(rhs)),
    "mul": _mul,
    "div": _div,
    "mod": _mod,
    "addf": lambda first, *rest: _decimal(first, rest, Decimal.__add__),
    "subf": lambda first, *rest: _decimal(first, rest, Decimal.__sub__),
    "mulf": lambda first, *rest: _decimal(first, rest, Decimal.__mul__),
    "divf": lambda first, *rest: _decimal(first, rest, _quotient),
    "max": lambda *values: max(map(_whole, values)),
    "min": lambda *values: min(map(_whole, values)),
    "maxf": lambda *values: max(map(_float, values)),
    "minf": lambda *values: min(map(_float, values)),
    "ceil": lambda value: float(math.ceil(_float(value))),
    "floor": lambda value: float(math.floor(_float(value))),
    "round": _round,
    "fromJson": lambda text: from_json(_text(text)),
    "default": _default,
    "index": _index,
    "slice": _slice,
    "len": _length,
    "print": _printed,
    "println": lambda *values: " ".join(map(shown, values)) + "\n",
    "printf": lambda layout, *values: _limited(printf(_text(layout), list(values))),
    "html": _html,
    "urlquery": lambda value: quote_plus(shown(value)),
}
LAZY: Final = frozenset({"and", "or"})
"""Their arguments are evaluated until one decides."""
OF_THE_LINE: Final = frozenset({"__line__", "__timestamp__"})
