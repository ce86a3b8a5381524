"""`belvedere logs`: stored log records on the terminal, oldest first; `belvedere logs delete` removes some by query."""

import re
import time
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from collectors.pull.own_packages import OWN_SERVICE
from dashboard.log_deletion import deletion_preview, deletion_query
from dashboard.runtime.commands import StoreCommand
from fleet.actions.log_deletions import ask_for_log_deletion
from telemetry.model.errors import TelemetryError
from telemetry.model.logs import LogRecord, severity_number_of, severity_word
from telemetry.store import LogQuery, current

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Command(StoreCommand):
    help = "Print stored log records of a service, Belvedere's own if none is named; or delete some by query."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", nargs="?", choices=["show", "delete"], default="show", help="default: show")
        parser.add_argument("--service", default="", help=f"whose records (default: {OWN_SERVICE}; to delete: any)")
        parser.add_argument("--since", default="1h", metavar="TIME", help="how far back: 30s, 15m, 1h, 7d (default 1h)")
        parser.add_argument("--severity", default="", metavar="WORD", help="least severity: debug, info, warn, error")
        parser.add_argument("--text", default="", help="only records whose text contains this, in any case")
        parser.add_argument("--query", default="", help="delete: LogQL selector and line filters, or words")
        parser.add_argument("--from", dest="start", default="", metavar="TIME", help="delete: start, ISO 8601, UTC")
        parser.add_argument("--to", dest="end", default="", metavar="TIME", help="delete: end, not included")
        parser.add_argument("--confirm", default="", metavar="N", help="delete: the number of records that match")
        parser.add_argument("--limit", type=int, default=100, help="the newest so many (default 100)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "delete":
            self._delete(options)
            return
        now = time.time_ns()
        query = LogQuery(
            start_ns=now - seconds_of(options["since"]) * 1_000_000_000,
            end_ns=now,
            services=(options["service"] or OWN_SERVICE,),
            severity_min=severity_number_of(options["severity"]),
            text=options["text"],
            limit=options["limit"],
        )
        for record in reversed(current().search_logs(query)):
            self.stdout.write(line_of(record))

    def _delete(self, options: dict[str, Any]) -> None:
        """Say what matches; with its number in `--confirm`, remove it and print the receipt."""
        text, service = options["query"], options["service"]
        start_ns, end_ns = ns_of("--from", options["start"]), ns_of("--to", options["end"]) - 1
        try:
            preview = deletion_preview(current(), deletion_query(text, service, start_ns, end_ns))
        except TelemetryError as error:
            raise CommandError(str(error)) from error
        rows = preview.extent.rows
        if not rows or not preview.is_confirmed_by(options["confirm"], service):
            self.stdout.write(f"{rows} log records match; nothing was deleted")
            for record in reversed(preview.examples):
                self.stdout.write(line_of(record))
            if rows:
                self.stdout.write(f"to delete them, add --confirm {rows}")
            return
        receipt = ask_for_log_deletion(
            query=text, service=service, start_ns=start_ns, end_ns=end_ns, rows_matched=rows, actor="command"
        )
        self.stdout.write(f"{rows} log records are being deleted: receipt {receipt.pk} on Settings, Deletions")


def ns_of(option: str, text: str) -> int:
    """Nanoseconds since 1970 of a time in ISO 8601, UTC where it names no zone. Raises CommandError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{option} {text!r} is no time such as 2026-01-31T12:00:00") from error
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 10**6) * 1000


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
