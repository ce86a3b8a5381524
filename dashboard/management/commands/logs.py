"""`belvedere logs`: stored log records on the terminal, oldest first."""

import re
import time
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from collectors.pull.own_packages import OWN_SERVICE
from dashboard.runtime.commands import StoreCommand
from telemetry.model.logs import LogRecord, severity_number_of, severity_word
from telemetry.store import LogQuery, current

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Command(StoreCommand):
    help = "Print stored log records of a service, Belvedere's own if none is named."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--service", default=OWN_SERVICE, help="whose records (default: %(default)s)")
        parser.add_argument("--since", default="1h", metavar="TIME", help="how far back: 30s, 15m, 1h, 7d (default 1h)")
        parser.add_argument("--severity", default="", metavar="WORD", help="least severity: debug, info, warn, error")
        parser.add_argument("--text", default="", help="only records whose text contains this, in any case")
        parser.add_argument("--limit", type=int, default=100, help="the newest so many (default 100)")

    def handle(self, *args: Any, **options: Any) -> None:
        now = time.time_ns()
        query = LogQuery(
            start_ns=now - seconds_of(options["since"]) * 1_000_000_000,
            end_ns=now,
            services=(options["service"],),
            severity_min=severity_number_of(options["severity"]),
            text=options["text"],
            limit=options["limit"],
        )
        for record in reversed(current().search_logs(query)):
            self.stdout.write(line_of(record))


def seconds_of(text: str) -> int:
    """3600 of "1h". Raises CommandError."""
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or unit not in _UNITS:
        raise CommandError(f"--since {text!r} is not a time such as 30s, 15m, 1h or 7d")
    return int(number) * _UNITS[unit]


def line_of(record: LogRecord) -> str:
    """One line; control characters are escaped, so that no record can play with the terminal."""
    at = datetime.fromtimestamp(record.timestamp_ns / 1e9, tz=UTC).isoformat(timespec="milliseconds")
    attributes = " ".join(f"{key}={value}" for key, value in record.attributes.items())
    text = f"{record.body}  {attributes}".rstrip(" ")
    printable = _UNPRINTABLE.sub(lambda match: match.group().encode("unicode_escape").decode(), text)
    return f"{at} {severity_word(record.severity_number):<5} {printable}"
