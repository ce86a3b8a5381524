"""Bills whose sums by day are whole; those that an older version imported, or that were cut off, are summed first."""

import threading
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from fleet.models import CostPart
from fleet.selectors.costs import counting_parts
from telemetry.model.errors import StoreUnavailable
from telemetry.store import current
from telemetry.store.charge_days import ChargeDays

_building: Final = threading.Lock()
_whole: Final[set[str]] = set()
"""Keys whose sums were seen to be those of the bill; a key never gets other charges."""


def summed_batches(*, simulated: bool, at: datetime | None = None) -> list[str]:
    """Keys of the parts that count, each with whole sums. Raises what the store raises."""
    parts = list(counting_parts(simulated=simulated, at=at).order_by("key"))
    if any(part.key not in _whole for part in parts):
        with _building:
            _make_whole([part for part in parts if part.key not in _whole])
    return [part.key for part in parts]


def _make_whole(parts: Sequence[CostPart]) -> None:
    days = ChargeDays(current())
    if missing := [part.key for part in parts if not _is_whole(part, days.built())]:
        days.build(missing)
        built = days.built()
        if torn := [part for part in parts if not _is_whole(part, built)]:
            raise StoreUnavailable(f"the sums by day of {torn[0]} are not those of its {torn[0].rows} charges")
    _whole.update(part.key for part in parts)


def _is_whole(part: CostPart, built: dict[str, tuple[int, Decimal]]) -> bool:
    charges, billed = built.get(part.key, (0, Decimal(0)))
    # A bill of the time before parts may have several currencies, of which its row has no sum.
    return charges == part.rows and ("-" not in part.key or billed == Decimal(part.billed_cost))
