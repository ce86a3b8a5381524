"""A log query as SQL conditions."""

import re
from typing import Final

from telemetry.model.labels import Matcher, MatchOp
from telemetry.patterns.matching import template_is_cut, template_regex, template_words
from telemetry.store.conditions import Conditions, anchored, instant_ns
from telemetry.store.log_lines import line_condition
from telemetry.store.log_words import word_conditions
from telemetry.store.pattern_queries import LogPattern
from telemetry.store.queries import LogQuery
from telemetry.store.stream_reader import StreamFilter

_TOKEN: Final = re.compile(r"[0-9A-Za-z\x80-\U0010ffff]+")
"""What the engine's token index takes for a word: ASCII letters and digits, and everything beyond ASCII."""
_TEXTS: Final = ("body", "attributes", "trace_id", "span_id")


def log_conditions(conditions: Conditions, query: LogQuery, streams: StreamFilter, start_ns: int, end_ns: int) -> str:
    """WHERE clause for records of `query` with start_ns <= timestamp <= end_ns."""
    parts = [f"timestamp >= {instant_ns(conditions, start_ns)}", f"timestamp <= {instant_ns(conditions, end_ns)}"]
    parts += _stream_parts(conditions, streams)
    parts += _record_parts(conditions, query)
    parts += _text_parts(conditions, query)
    parts += [line_condition(conditions, condition) for condition in query.lines]
    parts += [_field_part(conditions, matcher) for matcher in query.fields]
    if query.pattern is not None:
        parts += _pattern_parts(conditions, query.pattern)
    return " AND ".join(parts)


def _pattern_parts(conditions: Conditions, pattern: LogPattern) -> list[str]:
    """Words first: they are found faster than the expression is matched."""
    words = template_words(pattern.template)
    parts = [f"position(body, {conditions.bind(word, 'String')}) > 0" for word in words]
    message = f"JSONExtractString(body, {conditions.bind(pattern.field, 'String')})" if pattern.field else "body"
    expression = template_regex(pattern.template, cut=template_is_cut(pattern.sample))
    return [
        f"service = {conditions.bind(pattern.service, 'String')}",
        *parts,
        f"match({message}, {conditions.bind(expression, 'String')})",
    ]


def _field_part(conditions: Conditions, matcher: Matcher) -> str:
    """A field of the attributes or of a JSON body, under its whole name or nested, meets `matcher`."""
    places = [_place(conditions, column, path) for column in ("attributes", "body") for path in _paths(matcher.name)]
    if matcher.op in (MatchOp.REGEX, MatchOp.NOT_REGEX):
        pattern = conditions.bind(anchored(matcher.value), "String")
        found = " OR ".join(f"(JSONHas({place}) AND match({_text(place)}, {pattern}))" for place in places)
    else:
        value = conditions.bind(matcher.value, "String")
        found = " OR ".join(f"(JSONHas({place}) AND {_text(place)} = {value})" for place in places)
    return f"NOT ({found})" if matcher.op in (MatchOp.NOT_EQUAL, MatchOp.NOT_REGEX) else f"({found})"


def _paths(name: str) -> list[list[str]]:
    return [[name], name.split(".")] if "." in name else [[name]]


def _place(conditions: Conditions, column: str, path: list[str]) -> str:
    return ", ".join([column, *(conditions.bind(part, "String") for part in path)])


def _text(place: str) -> str:
    """Text of a string, else its JSON: 500, true."""
    return f"if(JSONType({place}) = 'String', JSONExtractString({place}), JSONExtractRaw({place}))"


def _stream_parts(conditions: Conditions, streams: StreamFilter) -> list[str]:
    parts = []
    if streams.written_as is not None:
        parts.append(f"service IN {conditions.bind(list(streams.written_as), 'Array(String)')}")
    if streams.ids is not None:
        parts.append(f"stream IN {conditions.bind(list(streams.ids), 'Array(UInt64)')}")
    return parts


def _record_parts(conditions: Conditions, query: LogQuery) -> list[str]:
    parts = []
    if query.severity_min > 0:
        parts.append(f"severity_number >= {conditions.bind(query.severity_min, 'UInt8')}")
    if query.severity_max < 255:
        parts.append(f"severity_number <= {conditions.bind(query.severity_max, 'UInt8')}")
    if query.trace_id:
        parts += _trace_parts(conditions, query.trace_id)
    return parts


def _trace_parts(conditions: Conditions, trace_id: str) -> list[str]:
    """Lines of JSON carry the id in their body, from where it is not copied."""
    wanted = conditions.bind(trace_id, "String")
    in_body = f" OR hasToken(body, {wanted})" if _TOKEN.fullmatch(trace_id) else ""
    return [f"(trace_id = {wanted}{in_body})", *word_conditions(conditions, trace_id)]


def _text_parts(conditions: Conditions, query: LogQuery) -> list[str]:
    parts = []
    if query.token:
        words = dict.fromkeys(_TOKEN.findall(query.token))
        parts += [_anywhere(f"hasToken(%, {conditions.bind(word, 'String')})") for word in words]
        parts.append(_anywhere(f"position(%, {conditions.bind(query.token, 'String')}) > 0"))
        parts += word_conditions(conditions, query.token)
    parts += [_holds(conditions, text) for text in (query.text, *query.texts) if text]
    parts += [f"NOT {_holds(conditions, text)}" for text in query.not_texts]
    return parts


def _holds(conditions: Conditions, text: str) -> str:
    return _anywhere(f"positionCaseInsensitiveUTF8(%, {conditions.bind(text, 'String')}) > 0")


def _anywhere(condition: str) -> str:
    """`condition` on any text of a record; % stands for its column."""
    return "(" + " OR ".join(condition.replace("%", column) for column in _TEXTS) + ")"
