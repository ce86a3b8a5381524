"""Spend of the coming month with its interval, and the days of the past that stood out with what made them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from dashboard.panels.figures import Band, Figure, Line, Mark, time_series_figure
from dashboard.panels.spend_history import SpendHistory, history_of, lines_of_fleet, recent_days
from dashboard.panels.time_range import DAY
from fleet.models import Deployment
from fleet.selectors.costs import counting_batches
from policies.costs.anomalies import Effect, Metered, OddDay, effects, odd_days
from policies.costs.forecast import COVERAGE, Forecast, forecast
from policies.costs.spend import SpendLine, main_currency
from policies.costs.spread import first_second
from policies.documents.located import DocumentError
from telemetry.model.errors import TelemetryError
from telemetry.model.time import TimeGrid
from telemetry.store import current
from telemetry.store.charges import ChargeFilter, ChargeTable

AHEAD: Final = 30
SHOWN: Final = 10
CAUSES: Final = 3
_BEFORE: Final = timedelta(days=7)
"""A day is compared with the same day of the week before."""


@dataclass(frozen=True, slots=True)
class OddSpend:
    """A day of one service that stood out."""

    service: str
    day: date
    odd: OddDay
    effects: list[Effect]
    """Products that made the difference to a week before, the largest first."""
    deployments: list[str]
    """Versions that started on that day or the one before."""

    @property
    def difference(self) -> float:
        return self.odd.amount - self.odd.usual


@dataclass(frozen=True, slots=True)
class ForecastPanel:
    """What the page shows; `error` says why nothing could be read."""

    currency: str = ""
    history: SpendHistory | None = None
    coming: Forecast | None = None
    figure: Figure | None = None
    odd: list[OddSpend] = field(default_factory=list)
    error: str = ""
    coverage: float = COVERAGE

    @property
    def total(self) -> float | None:
        return float(self.coming.expected.sum()) if self.coming else None

    @property
    def limits(self) -> tuple[float, float]:
        total = self.total or 0.0
        width = abs(total) * self.coming.total_error_ratio if self.coming else 0.0
        return total - width, total + width


def forecast_panel(today: date, *, simulated: bool = False) -> ForecastPanel:
    """The next AHEAD days after the last bill, in the currency with the largest spend."""
    days = recent_days(today)
    try:
        lines = [line for line in lines_of_fleet(days) if line.simulated is simulated]
        currency = main_currency(lines)
        lines = [line for line in lines if line.currency == currency]
        history = history_of(lines, days, today)
        if history is None:
            return ForecastPanel(currency)
        coming = forecast(history.amounts, AHEAD)
        odd = _odd_spend(lines, days, today, counting_batches(simulated=simulated))
        return ForecastPanel(currency, history, coming, _figure(history, coming, currency, odd), odd)
    except (TelemetryError, DocumentError) as error:
        return ForecastPanel(error=str(error))


def _figure(history: SpendHistory, coming: Forecast | None, currency: str, odd: Sequence[OddSpend]) -> Figure:
    ahead = AHEAD if coming else 0
    start_ms = first_second(history.first) * 1000
    grid = TimeGrid(start_ms, start_ms + (len(history.amounts) + ahead - 1) * DAY, DAY)
    gap, later = np.full(ahead, np.nan), np.full(len(history.amounts), np.nan)
    lines = [Line("Billed", np.concatenate([history.amounts, gap]))]
    bands = []
    if coming:
        lines.append(Line("Expected", np.concatenate([later, coming.expected]), role="accent"))
        lower, upper = np.concatenate([later, coming.lower]), np.concatenate([later, coming.upper])
        bands.append(Band(f"holds {COVERAGE:.0%} of past errors", lower, upper))
    marks = [Mark(first_second(each.day) * 1000, f"{each.service or 'unallocated'} stood out", "warn") for each in odd]
    return time_series_figure(lines, grid, title="Spend by day", unit=currency, marks=marks, bands=bands)


def _odd_spend(lines: Sequence[SpendLine], days: list[date], today: date, batches: list[str]) -> list[OddSpend]:
    found: list[tuple[str, date, OddDay]] = []
    for service in sorted({line.service for line in lines}):
        history = history_of([line for line in lines if line.service == service], days, today)
        if history:
            found += [(service, history.first + timedelta(days=odd.index), odd) for odd in odd_days(history.amounts)]
    found.sort(key=lambda each: -abs(each[2].amount - each[2].usual))
    asked = ChargeFilter(batches, 0, 0, currency=lines[0].currency)
    return [
        OddSpend(service, day, odd, _effects(replace(asked, services=[service]), day), _deployments(service, day))
        for service, day, odd in found[:SHOWN]
    ]


def _effects(asked: ChargeFilter, day: date) -> list[Effect]:
    return effects(_metered(asked, day - _BEFORE), _metered(asked, day))[:CAUSES]


def _metered(asked: ChargeFilter, day: date) -> list[Metered]:
    start_s = first_second(day)
    rows = ChargeTable(current()).quantities(replace(asked, start_s=start_s, end_s=start_s + 86_400))
    return [Metered(product, cost, quantity) for product, cost, quantity in rows]


def _deployments(service: str, day: date) -> list[str]:
    start = datetime.combine(day, time(), UTC)
    rows = Deployment.objects.filter(
        service__name=service, deployed_at__gte=start - timedelta(days=1), deployed_at__lt=start + timedelta(days=1)
    )
    return list(rows.values_list("version", flat=True)[:5])


def cause_words(odd: OddSpend) -> str:
    """The likely cause as a phrase; '' where the bill and the deployments say nothing."""
    words = [_effect_words(effect) for effect in odd.effects]
    if odd.deployments:
        words.append(f"deployed {', '.join(odd.deployments)}")
    return "; ".join(words)


def _effect_words(effect: Effect) -> str:
    parts = {"volume": effect.volume, "price": effect.price, "no quantity on the bill": effect.other}
    word = max(parts, key=lambda name: abs(parts[name]))
    return f"{effect.product or 'unnamed product'} {_signed(effect.difference)}, by {word}"


def _signed(amount: Decimal) -> str:
    return f"{amount:+,.2f}"
