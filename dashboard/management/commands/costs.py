"""`belvedere costs`: who caused which cost, to the last digit of the bills."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from collectors.bills import amount_text
from dashboard.panels.allocated_cost import Allocated, allocated_cost
from dashboard.runtime.commands import StoreCommand
from policies.costs.allocation import AllocationPolicy, read_allocation_policy
from policies.documents.located import DocumentError
from telemetry.model.errors import TelemetryError

_FIRST: Final = date(1970, 1, 1)
_LAST: Final = date(2105, 12, 31)


class Command(StoreCommand):
    help = "Print the cost of each service, team and environment; --json for machines."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object, amounts as texts")
        parser.add_argument("--from", dest="first", metavar="DATE", help="first UTC day (default: of the bills)")
        parser.add_argument("--to", dest="last", metavar="DATE", help="last UTC day, included")
        parser.add_argument("--policy", metavar="FILE", help="allocation rules (YAML) instead of those in force")
        parser.add_argument("--at", metavar="TIME", help="with the bills that counted then: 2026-01-31T12:00:00Z")

    def handle(self, *args: Any, **options: Any) -> None:
        first, last = _day(options["first"], _FIRST), _day(options["last"], _LAST)
        if last < first:
            raise CommandError(f"--to {last} is before --from {first}")
        try:
            found = allocated_cost(first, last, policy=_policy(options["policy"]), at=_moment(options["at"]))
        except (TelemetryError, DocumentError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(_report(found), indent=2) if options["json"] else "\n".join(_lines(found)))


def _day(text: str | None, default: date) -> date:
    try:
        return date.fromisoformat(text) if text else default
    except ValueError as error:
        raise CommandError(f"{text!r} is not a day such as 2026-01-31") from error


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is not a time such as 2026-01-31T12:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _policy(file: str | None) -> AllocationPolicy | None:
    if not file:
        return None
    try:
        return read_allocation_policy(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file}: {error}") from error
    except DocumentError as error:
        raise CommandError(f"{file}: {error}") from error


def _report(found: Allocated) -> dict[str, Any]:
    return {
        "from": found.first.isoformat() if found.first else None,
        "to": (found.last + timedelta(days=1)).isoformat() if found.last else None,
        "policy": found.policy or None,
        "totals": [
            {"currency": currency, "billed_cost": amount_text(billed), "effective_cost": amount_text(effective)}
            for currency, (billed, effective) in found.totals.items()
        ],
        "allocations": [
            {
                "service": row.service or None,
                "team": row.team or None,
                "environment": row.environment or None,
                "billed_cost": amount_text(row.billed_cost),
                "effective_cost": amount_text(row.effective_cost),
                "currency": row.currency,
                "charges": row.charges,
                "rules": list(row.rules),
                "simulated": row.simulated,
            }
            for row in found.rows
        ],
        "notes": list(found.notes),
    }


def _lines(found: Allocated) -> Iterator[str]:
    if not found.rows:
        yield "No charges in these days. `belvedere import costs FILE` brings in a bill in FOCUS form."
        return
    yield f"{'billed':>16} {'effective':>16}      service · environment · team"
    for row in found.rows:
        words = " · ".join(word for word in (row.service or "unallocated", row.environment, row.team) if word)
        mark = " (simulated)" if row.simulated else ""
        yield f"{row.billed_cost:>16.2f} {row.effective_cost:>16.2f} {row.currency:<4} {words}{mark}"
    for currency, (billed, effective) in found.totals.items():
        yield f"{billed:>16.2f} {effective:>16.2f} {currency:<4} total"
    yield from found.notes
