"""Spend by day up to the last bill, in one currency: what forecasts, odd days and budgets are made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from dashboard.panels.day_sums import summed_batches
from dashboard.panels.spend_lines import billed_lines
from policies.costs.spend import SpendLine
from telemetry.store import current
from telemetry.store.charge_days import ChargeDays, DayFilter

DAYS: Final = 150
"""Days that are looked back at, today included."""


@dataclass(frozen=True, slots=True)
class SpendHistory:
    """float64[days] from `first` on; bills reach up to its last day."""

    first: date
    amounts: NDArray[np.float64]

    @property
    def last(self) -> date:
        return self.first + timedelta(days=len(self.amounts) - 1)


def recent_days(today: date) -> list[date]:
    """The DAYS up to `today`, included."""
    return [today - timedelta(days=number) for number in reversed(range(DAYS))]


def history_of(lines: Iterable[SpendLine], days: Sequence[date], today: date) -> SpendHistory | None:
    """Sum of lines over `days` from the first day with a charge to the last bill; today, not over yet, is left out.

    None where no charge falls into them.
    """
    kept = list(lines)
    if not kept:
        return None
    amounts = np.sum([line.trend for line in kept if line.trend is not None], axis=0)
    last = min(max(line.day for line in kept), today - timedelta(days=1))
    spent = np.flatnonzero(amounts)
    if not len(spent) or last < days[spent[0]]:
        return None
    return SpendHistory(days[spent[0]], amounts[spent[0] : (last - days[0]).days + 1])


def lines_of_tag(days: Sequence[date], name: str, value: str) -> list[SpendLine]:
    """Charges whose bill has the tag, whatever service they belong to. Raises what the store raises."""
    lines = []
    for simulated in (False, True):
        batches = summed_batches(simulated=simulated)
        asked = DayFilter(batches, days[0], days[-1])
        for currency, tags, billed, effective, _, offsets, amounts in ChargeDays(current()).over_time(
            asked, ["billing_currency", "tags"]
        ):
            if not tags or orjson.loads(tags).get(name) != value:
                continue
            trend = np.zeros(len(days))
            trend[np.asarray(offsets)] = amounts
            last = days[max(offsets)]
            lines.append(SpendLine(last, "", "", "", currency, billed, effective, simulated, trend))
    return lines


def lines_of_fleet(days: Sequence[date]) -> list[SpendLine]:
    """Every charge with its owner. Raises what `billed_lines` raises."""
    return billed_lines(days)
