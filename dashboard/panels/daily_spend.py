"""What each service costs a day, for pages that show it beside other things."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from django.core.cache import cache

from dashboard.panels.cost import cost_panel
from dashboard.panels.time_range import DAY, PageRange

DAYS: Final = 7
KEPT_SECONDS: Final = 300
"""It changes once a day; bills that are imported meanwhile show after this time."""


@dataclass(frozen=True, slots=True)
class DailySpend:
    """Average spend a day over the last whole DAYS, by service; empty if nothing is known."""

    currency: str = "USD"
    amounts: Mapping[str, Decimal] = field(default_factory=dict)


NO_SPEND: Final = DailySpend()


def daily_spend() -> DailySpend:
    """As the cost page counts it: bills, and estimates for services without one."""
    found: DailySpend | None = cache.get("daily-spend")
    if found is None:
        found = _read(time.time_ns() // 1_000_000)
        cache.set("daily-spend", found, KEPT_SECONDS)
    return found


def _read(now_ms: int) -> DailySpend:
    midnight = now_ms - now_ms % DAY
    panel = cost_panel(PageRange("", "", midnight - DAYS * DAY, midnight), now_ms=now_ms)
    amounts = {row.service: row.spend / DAYS for row in panel.services if row.known}
    return DailySpend(panel.currency or "USD", amounts)
