"""The charges behind a number of the cost page: the largest rows, how many there are and what they sum to."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from dashboard.panels.spend_lines import days_between
from dashboard.panels.time_range import PageRange
from fleet.models import CostImport, Service
from fleet.selectors.costs import counting_batches
from policies.costs.spread import first_second
from telemetry.model.errors import TelemetryError
from telemetry.store import current
from telemetry.store.charges import ChargeFilter, ChargeRow, ChargeTable

By = Literal["all", "service", "team", "environment", "category", "bill"]

BY: Final[tuple[By, ...]] = ("all", "service", "team", "environment", "category", "bill")
SHOWN: Final = 200
_DAY_SECONDS: Final = 86_400
_EVER: Final = 2**32


@dataclass(frozen=True, slots=True)
class Sum:
    """Whole charges in one currency."""

    currency: str
    charges: int
    billed_cost: Decimal
    effective_cost: Decimal


@dataclass(frozen=True, slots=True)
class ChargeList:
    """What the page shows; `error` says why it could not be read."""

    title: str
    rows: list[ChargeRow] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    """Batch -> name of the file it came from."""
    error: str = ""

    @property
    def charges(self) -> int:
        return sum(each.charges for each in self.sums)


def charge_list(time_range: PageRange, by: By, of: str) -> ChargeList:
    """Charges whose period touches the UTC days of the range (of any day for a bill), as the bills name them."""
    title = _title(by, of)
    try:
        asked = _filter(time_range, by, of)
        table = ChargeTable(current())
        rows = table.largest(asked, limit=SHOWN)
        return ChargeList(title, rows, [Sum(*row) for row in table.summed(asked)], _files(rows))
    except TelemetryError as error:
        return ChargeList(title, error=str(error))


def _title(by: By, of: str) -> str:
    if by == "bill":
        bill = _bill(of)
        return f"Charges of {bill.file_name}" if bill else "No such bill"
    words = {"all": "All charges", "service": "Unallocated charges"}
    return f"Charges of {by} {of}" if of else words.get(by, f"Charges without {by}")


def _bill(of: str) -> CostImport | None:
    return CostImport.objects.filter(pk=int(of)).first() if of.isdecimal() and len(of) < 18 else None


def _filter(time_range: PageRange, by: By, of: str) -> ChargeFilter:
    if by == "bill":
        bill = _bill(of)
        return ChargeFilter(list(bill.parts.values_list("key", flat=True)) if bill else [], 0, _EVER)
    days = days_between(time_range.start_ms, time_range.end_ms)
    return ChargeFilter(
        counting_batches(),
        first_second(days[0]),
        first_second(days[-1]) + _DAY_SECONDS,
        services=_services(by, of),
        environment=of if by == "environment" else None,
        category=of if by == "category" else None,
    )


def _services(by: By, of: str) -> list[str] | None:
    if by == "service":
        return [of]
    if by != "team":
        return None
    if of:
        return list(Service.objects.filter(team__name=of).values_list("name", flat=True))
    return ["", *Service.objects.filter(team=None).values_list("name", flat=True)]


def _files(rows: list[ChargeRow]) -> dict[str, str]:
    keys = {row.batch for row in rows}
    return dict(CostImport.objects.filter(parts__key__in=keys).values_list("parts__key", "file_name"))
