"""Values in text as Go prints them, and printf."""

import re
from typing import Any, Final

import orjson

from telemetry.logql.templates.go_time import GoTime
from telemetry.logql.templates.nodes import TemplateError
from telemetry.syntax.numbers import format_general
from telemetry.syntax.quoting import quote

_VERB: Final = re.compile(r"%(?P<flags>[-+# 0]*)(?P<width>\d+|\*)?(?:\.(?P<precision>\d+|\*)?)?(?P<verb>.)", re.DOTALL)
_WIDEST: Final = 10_000


def shown(value: Any) -> str:
    """Go's %v."""
    match value:
        case None:
            return "<no value>"
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case float():
            return format_general(value)
        case list():
            return "[" + " ".join(_inside(item) for item in value) + "]"
        case dict():
            return "map[" + " ".join(f"{name}:{_inside(value[name])}" for name in sorted(value)) + "]"
    return str(value)


def _inside(value: Any) -> str:
    return "<nil>" if value is None else shown(value)


def printf(layout: str, values: list[Any]) -> str:
    """Go's fmt.Sprintf."""
    rest = list(values)

    def written(found: re.Match[str]) -> str:
        verb = found["verb"]
        if verb == "%":
            return "%"
        width = _size(found["width"], rest)
        precision = _size(found["precision"], rest) if "." in found[0][:-1] else None
        if not rest:
            return f"%!{verb}(MISSING)"
        return _padded(_verb(verb, found["flags"], precision, rest.pop(0)), found["flags"], width, verb)

    text = _VERB.sub(written, layout)
    if rest:
        text += "%!(EXTRA " + ", ".join(f"{_type_name(value)}={shown(value)}" for value in rest) + ")"
    return text


def _size(text: str | None, rest: list[Any]) -> int:
    if text == "*":
        size = rest.pop(0) if rest else 0
        return min(int(size), _WIDEST) if isinstance(size, int) else 0
    size = int(text or 0)
    if size > _WIDEST:
        raise TemplateError(f"a width of {size} in printf is over the limit of {_WIDEST}")
    return size


def _padded(text: str, flags: str, width: int, verb: str) -> str:
    if "-" in flags:
        return text.ljust(width)
    if "0" in flags and verb in "dfeEgGxXob":
        sign = text[:1] if text[:1] in ("-", "+") else ""
        return sign + text[len(sign) :].rjust(width - len(sign), "0")
    return text.rjust(width)


def _verb(verb: str, flags: str, precision: int | None, value: Any) -> str:
    sign = "+" if "+" in flags and isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else ""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if verb == "v":
        return sign + shown(value)
    if verb == "T":
        return _type_name(value)
    if verb == "t" and isinstance(value, bool):
        return shown(value)
    if verb in "sq" and isinstance(value, str | GoTime):
        text = shown(value)
        text = text if precision is None else text[:precision]
        return quote(text) if verb == "q" else text
    if verb in "sq" and isinstance(value, list | dict):
        return shown(value)
    if verb in "xX" and isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").hex() if verb == "x" else value.encode().hex().upper()
    if isinstance(value, int) and number and verb in "dboxXcqU":
        return sign + _whole(verb, flags, value)
    if isinstance(value, float) and verb in "feEgGF":
        return sign + _float(verb, precision, value)
    return f"%!{verb}({_type_name(value)}={shown(value)})"


def _whole(verb: str, flags: str, value: int) -> str:
    match verb:
        case "c":
            return chr(value)
        case "q":
            return f"'{chr(value)}'"
        case "U":
            return f"U+{value:04X}"
    return format(value, f"#{verb}" if "#" in flags and verb != "d" else verb)


def _float(verb: str, precision: int | None, value: float) -> str:
    if verb in "gG" and precision is None:
        return format_general(value)
    return format(value, f".{6 if precision is None else precision}{verb}")


def _type_name(value: Any) -> str:
    match value:
        case None:
            return "<nil>"
        case bool():
            return "bool"
        case str():
            return "string"
        case int():
            return "int"
        case float():
            return "float64"
        case list():
            return "[]interface {}"
        case dict():
            return "map[string]interface {}"
    return "time.Time"


def from_json(text: str) -> Any:
    """Value of a JSON text, numbers as float as Go reads them; None for what is no JSON."""
    try:
        return _floats(orjson.loads(text))
    except orjson.JSONDecodeError:
        return None


def _floats(value: Any) -> Any:
    match value:
        case bool():
            return value
        case int():
            return float(value)
        case list():
            return [_floats(item) for item in value]
        case dict():
            return {name: _floats(item) for name, item in value.items()}
    return value
