"""Whether a record fits a query, decided here for records that have just been committed."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import re2

from telemetry.model.labels import Labels, Matcher, MatchOp
from telemetry.model.logs import LogRecord
from telemetry.patterns.matching import template_is_cut, template_regex
from telemetry.store import LogQuery
from telemetry.store.queries import LineCondition


def stream_fits(query: LogQuery) -> Callable[[Labels, str], bool]:
    """Decides by stream labels and service."""

    def fits(labels: Labels, service: str) -> bool:
        values = dict(labels)
        if query.services and service not in query.services:
            return False
        return all(matcher.matches(values.get(matcher.name, "")) for matcher in query.matchers)

    return fits


def record_fits(query: LogQuery) -> Callable[[LogRecord], bool]:
    """Decides by everything that is not of the stream, but for the time."""
    wanted = [text.casefold() for text in (*query.texts, query.text) if text]
    unwanted = [text.casefold() for text in query.not_texts]
    pattern = None
    if query.pattern is not None:
        cut = template_is_cut(query.pattern.sample)
        pattern = re2.compile(template_regex(query.pattern.template, cut=cut))

    def fits(record: LogRecord) -> bool:
        if not query.severity_min <= record.severity_number <= query.severity_max:
            return False
        if query.trace_id and record.trace_id != query.trace_id:
            return False
        if wanted or unwanted:
            text = "\n".join((record.body, _text_of(record.attributes), record.trace_id, record.span_id)).casefold()
            if not all(word in text for word in wanted) or any(word in text for word in unwanted):
                return False
        if not all(_line_fits(record.body, condition) for condition in query.lines):
            return False
        if query.fields and not _fields_fit(record, query.fields):
            return False
        return pattern is None or _pattern_fits(record, query, pattern)

    return fits


def _line_fits(line: str, condition: LineCondition) -> bool:
    found = any(text in line for text in condition.texts)
    found = found or any(re2.search(pattern, line) is not None for pattern in condition.patterns)
    return found is not condition.negative


def _text_of(attributes: Mapping[str, Any]) -> str:
    return orjson.dumps(attributes, default=str).decode() if attributes else ""


def _fields_fit(record: LogRecord, matchers: tuple[Matcher, ...]) -> bool:
    document = {**_object(record.body), **record.attributes}
    return all(_field_fits(document, matcher) for matcher in matchers)


def _field_fits(document: Mapping[str, Any], matcher: Matcher) -> bool:
    value = _value(document, matcher.name)
    if value is None:
        return matcher.op in (MatchOp.NOT_EQUAL, MatchOp.NOT_REGEX)
    return matcher.matches(value)


def _value(document: Mapping[str, Any], name: str) -> str | None:
    """Text of a field under its whole name or nested; None where it is absent."""
    found: Any = document
    for part in [name] if name in document else name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found if isinstance(found, str) else orjson.dumps(found, default=str).decode()


def _pattern_fits(record: LogRecord, query: LogQuery, pattern: Any) -> bool:
    assert query.pattern is not None  # noqa: S101 - the caller looked
    if record.service != query.pattern.service:
        return False
    name = query.pattern.field
    message = _object(record.body).get(name, "") if name else record.body
    return isinstance(message, str) and pattern.search(message) is not None


def _object(body: str) -> Mapping[str, Any]:
    if not body.startswith("{"):
        return {}
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
