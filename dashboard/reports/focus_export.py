"""Charges of bills as a FOCUS file again, with the service and team that they were given to.

A charge has the service that its tags or the mapping rules name (`x_service`); allocation rules split sums, not rows,
so they are not in it.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TextIO

import orjson

from collectors.wire.focus.columns import COLUMNS, MANDATORY
from fleet.selectors.costs import counting_batches
from fleet.selectors.services import services_by_name
from policies.costs.spread import first_second
from telemetry.store import current
from telemetry.store.charges import ChargeFilter, ChargeTable

OWN: Final = ("x_service", "x_environment", "x_team")


def write_focus(first: date, last: date, out: TextIO, *, at: datetime | None = None) -> int:
    """Write every charge whose period touches the UTC days `first` to `last`, both included; how many there are.

    Simulated bills are left out. Raises what the store raises.
    """
    batches = counting_batches(simulated=False, at=at)
    asked = ChargeFilter(batches, first_second(first), first_second(last + timedelta(days=1)))
    table = ChargeTable(current())
    stored = {column.name: column.target for column in COLUMNS}
    others = sorted({*table.extra_columns(asked), *MANDATORY} - stored.keys() - set(OWN))
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*stored, *others, *OWN])
    count = 0
    for row in _rows(table, asked, list(stored.values()), others):
        writer.writerow(row)
        count += 1
    return count


def _rows(table: ChargeTable, asked: ChargeFilter, stored: list[str], others: list[str]) -> Iterator[list[str]]:
    teams = {name: service.team.name for name, service in services_by_name().items() if service.team}
    for *values, extra, service, environment in table.whole(asked, [*stored, "extra", "service", "environment"]):
        more = orjson.loads(extra) if extra else {}
        own = (service, environment, teams.get(service, ""))
        yield [*map(_cell, values), *(_cell(more.get(name)) for name in others), *own]


def _cell(value: Any) -> str:
    """As FOCUS writes it: nothing for null, decimals without exponent, UTC moments to the second."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)
