"""Fields found in a sample of lines: names, kinds and values, as log explorers ask for them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from dashboard.accounts.gate import requires
from dashboard.api.loki.answers import loki_view, plain_json
from dashboard.api.loki.engine import answered
from dashboard.api.loki.params import limit_of, query_text, span_of, value_of
from telemetry.logql.conversions import parse_bytes, parse_float, parse_go_duration_ns
from telemetry.logql.engine import LineRange, Lines
from telemetry.logql.entry import Entry
from telemetry.logql.json_lines import NotJson, fields, sanitized
from telemetry.logql.logfmt import Malformed, pairs
from telemetry.logql.parser import parse_log_query

_DEFAULT_LINES: Final = 1_000
_DEFAULT_FIELDS: Final = 1_000
_BOOLEAN: Final = re.compile(r"true|false", re.IGNORECASE)


@dataclass(slots=True)
class _Field:
    values: set[str] = field(default_factory=set)
    parsers: list[str] = field(default_factory=list)


@requires("query")
@loki_view("GET", "POST")
def detected_fields(request: HttpRequest) -> HttpResponse:
    """/loki/api/v1/detected_fields"""
    limit = limit_of(request, _DEFAULT_FIELDS)
    found = _fields(_sample(request))
    described = [
        {"label": name, "type": _kind(one.values), "cardinality": len(one.values), "parsers": one.parsers or None}
        for name, one in sorted(found.items())
    ]
    return plain_json({"fields": described[:limit], "limit": limit})


@requires("query")
@loki_view("GET", "POST")
def detected_field_values(request: HttpRequest, name: str) -> HttpResponse:
    """/loki/api/v1/detected_field/<name>/values"""
    limit = limit_of(request, _DEFAULT_FIELDS)
    found = _fields(_sample(request)).get(name, _Field())
    return plain_json({"values": sorted(found.values)[:limit], "limit": limit})


def _sample(request: HttpRequest) -> list[Entry]:
    text, span = query_text(request), span_of(request)
    parse_log_query(text)
    asked = value_of(request, "line_limit")
    number = int(asked) if asked.isascii() and asked.isdigit() and int(asked[:9]) > 0 else _DEFAULT_LINES
    lines = LineRange(span.start_ns, span.end_ns + 1, min(number, _DEFAULT_LINES))
    value = answered(request, text, lambda engine: engine.range(text, lines, 1)).value
    return value.entries if isinstance(value, Lines) else []


def _fields(entries: list[Entry]) -> dict[str, _Field]:
    found: dict[str, _Field] = {}
    for entry in entries:
        for name, value, parser in _of_entry(entry):
            one = found.setdefault(name, _Field())
            one.values.add(value)
            if parser and parser not in one.parsers:
                one.parsers.append(parser)
    return found


def _of_entry(entry: Entry) -> Iterator[tuple[str, str, str]]:
    """(name, value, parser) of what came with the line, what the query parsed and what the line itself holds."""
    for name in sorted(entry.metadata | entry.parsed):
        yield name, entry.text(name), ""
    known = entry.labels.keys()
    parser = "json" if entry.line.startswith("{") else "logfmt"
    for name, value in _json(entry.line) if parser == "json" else _logfmt(entry.line):
        if name and value and name not in known:
            yield name, value, parser


def _json(line: str) -> Iterator[tuple[str, str]]:
    try:
        yield from fields(line)
    except NotJson:
        return


def _logfmt(line: str) -> Iterator[tuple[str, str]]:
    for pair in pairs(line):
        if not isinstance(pair, Malformed):
            yield sanitized(pair[0]), pair[1]


def _kind(values: set[str]) -> str:
    for kind, convert in (
        ("int", int),
        ("float", parse_float),
        ("duration", parse_go_duration_ns),
        ("bytes", parse_bytes),
    ):
        if _all_convert(values, convert):
            return kind
    return "boolean" if values and all(_BOOLEAN.fullmatch(value) for value in values) else "string"


def _all_convert(values: set[str], convert: Any) -> bool:
    try:
        for value in values:
            convert(value)
    except ValueError:
        return False
    return bool(values)
