"""Syslog messages as log records: RFC 5424 with structured data, RFC 3164 and what passes for it.

A message that is neither is kept whole. Sources: RFC 5424, section 6; RFC 3164, section 4
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from collectors.wire.decoded import DecodedLogs
from collectors.wire.json_record import trace_and_span
from collectors.wire.limits import DecodeLimits
from collectors.wire.log_columns import LogColumns, LogRow
from collectors.wire.log_time import nanoseconds
from collectors.wire.otlp_values import json_text
from collectors.wire.syslog_severity import FACILITIES, SEVERITIES
from telemetry.model.errors import InvalidInput

_PRIORITY: Final = re.compile(r"<(\d{1,3})>")
_HEADER_5424: Final = re.compile(r"1 (\S+) (\S{1,255}) (\S{1,255}) (\S{1,255}) (\S{1,255}) ")
_ELEMENT: Final = re.compile(r'\[([^\s="\]]{1,255})((?: [^\s="\]]{1,255}="(?:[^"\\\]]|\\.)*")*)\]', re.DOTALL)
_PARAMETER: Final = re.compile(r' ([^\s="\]]+)="((?:[^"\\\]]|\\.)*)"', re.DOTALL)
_TIME_3164: Final = re.compile(r"([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)(\.\d{1,9})? ")
_TIME_ISO: Final = re.compile(r"(\d{4}-\d\d-\d\dT\S{8,40}) ")
_HOST_AND_TAG: Final = re.compile(r"(?:([A-Za-z0-9][\w.:-]{0,254}) )?([\w./@-]{1,64})(?:\[([^\]\s]{1,64})\])?: ?")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NIL: Final = "-"


@dataclass(frozen=True, slots=True)
class _Parsed:
    body: str
    time_ns: int = 0
    host: str = ""
    application: str = ""
    attributes: dict[str, Any] | None = None


def decode_syslog(
    messages: Sequence[bytes], limits: DecodeLimits, *, received_ns: int, sender: str = ""
) -> DecodedLogs:
    """One record a message, none refused; `sender` is the host of messages that name none."""
    columns = LogColumns("syslog", received_ns, limits)
    columns.rows.extend([_row(columns, message, received_ns, sender) for message in messages])
    return columns.decoded()


def _row(columns: LogColumns, message: bytes, received_ns: int, sender: str) -> LogRow:
    text = message.decode(errors="backslashreplace")
    priority, rest = _priority(text)
    parsed = _rfc_5424(rest) or _rfc_3164(rest, received_ns)
    word, number = SEVERITIES[str(priority % 8)] if priority is not None else ("", 0)
    attributes = dict(parsed.attributes or {})
    if priority is not None:
        attributes["facility"] = FACILITIES[priority // 8]
    trace_id, span_id = trace_and_span(attributes)
    labels = {"host": parsed.host or sender, "service": parsed.application}
    return LogRow(
        columns.stream(tuple((name, value) for name, value in labels.items() if value)),
        *columns.times(parsed.time_ns, 0),
        number,
        word,
        parsed.body,
        trace_id,
        span_id,
        json_text(attributes) if attributes else "",
    )


def _priority(text: str) -> tuple[int | None, str]:
    """(priority, text behind it); None and the whole text if there is none of 0 to 191."""
    found = _PRIORITY.match(text)
    if found is None or int(found[1]) > 191:
        return None, text
    return int(found[1]), text[found.end() :]


def _rfc_5424(text: str) -> _Parsed | None:
    header = _HEADER_5424.match(text)
    if header is None:
        return None
    time, host, application, process, message_id = (None if part == _NIL else part for part in header.groups())
    structured, at = _structured_data(text, header.end())
    if at is None:
        return None
    attributes: dict[str, Any] = dict(structured)
    attributes |= {name: value for name, value in (("procid", process), ("msgid", message_id)) if value}
    return _Parsed(text[at:].removeprefix("﻿"), _time(time), host or "", application or "", attributes)


def _structured_data(text: str, at: int) -> tuple[dict[str, dict[str, str]], int | None]:
    """({element: {name: value}}, where the message begins); None if this is no structured data."""
    if text.startswith(_NIL, at):
        return {}, _message_start(text, at + 1)
    elements: dict[str, dict[str, str]] = {}
    while element := _ELEMENT.match(text, at):
        parameters = _PARAMETER.findall(element[2])
        elements.setdefault(element[1], {}).update({name: _unescaped(value) for name, value in parameters})
        at = element.end()
    return elements, _message_start(text, at) if elements else None


def _message_start(text: str, at: int) -> int | None:
    """Behind the space that ends the header, or the end of a message without text."""
    if at == len(text):
        return at
    return at + 1 if text[at] == " " else None


def _unescaped(value: str) -> str:
    return re.sub(r'\\(["\\\]])', r"\1", value) if "\\" in value else value


def _rfc_3164(text: str, received_ns: int) -> _Parsed:
    time_ns, at = _old_time(text, received_ns)
    found = _HOST_AND_TAG.match(text, at)
    if found is None or (at == 0 and found[1]):  # without a time the first word may be anything
        return _Parsed(text[at:], time_ns)
    attributes = {"procid": found[3]} if found[3] else {}
    return _Parsed(text[found.end() :], time_ns, found[1] or "", found[2], attributes)


def _old_time(text: str, received_ns: int) -> tuple[int, int]:
    """(nanoseconds, or 0; position behind the time) of a text that may begin with one."""
    if found := _TIME_ISO.match(text):
        return _time(found[1]), found.end()
    if found := _TIME_3164.match(text):
        return _nearest_year(found, received_ns), found.end()
    return 0, 0


def _nearest_year(found: re.Match[str], received_ns: int) -> int:
    """The time in UTC, in the latest year that puts it at most a day ahead of the arrival; 0 if it is no date."""
    now = datetime.fromtimestamp(received_ns // 10**9, UTC)
    fraction_ns = int((found[6] or ".0")[1:].ljust(9, "0"))
    for year in (now.year + 1, now.year, now.year - 1, now.year - 2, now.year - 3, now.year - 4):
        try:
            month = _MONTHS.index(found[1]) + 1
            day, hour, minute, second = map(int, found.group(2, 3, 4, 5))
            moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            continue
        if moment <= now + timedelta(days=1):
            return int(moment.timestamp()) * 10**9 + fraction_ns
    return 0


def _time(text: str | None) -> int:
    try:
        return nanoseconds(text)
    except InvalidInput:
        return 0
