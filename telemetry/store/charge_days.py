"""Charges by day: built once a batch from its charges, read by any of their words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

from telemetry.store.engine import Engine
from telemetry.store.store import TelemetryStore

Word = Literal[
    "batch",
    "day",
    "month",
    "service",
    "environment",
    "billing_currency",
    "charge_category",
    "provider_name",
    "service_category",
    "service_name",
    "region_id",
    "sub_account_id",
    "sub_account_name",
    "tags",
]
"""What sums are kept by; `month` is the first day of the UTC month."""

_WORDS: Final = (
    "batch, service, environment, billing_currency, charge_category, provider_name, service_category, service_name, "
    "region_id, sub_account_id, sub_account_name, tags"
)
_DELETE: Final = {"mutations_sync": 2}
_INSERT: Final = {"max_partitions_per_insert_block": 0}
_ONE_DAY: Final = "toDate(charge_period_start) = toDate(charge_period_end - toIntervalSecond(1))"

_WITHIN_A_DAY: Final = f"""
INSERT INTO charge_days ({_WORDS}, day, billed_cost, effective_cost, charges)
SELECT {_WORDS}, toDate(charge_period_start) AS day, sum(toDecimal256(charges.billed_cost, 18)),
    sum(toDecimal256(charges.effective_cost, 18)), count()
FROM charges WHERE batch IN {{batches:Array(String)}} AND {_ONE_DAY}
GROUP BY ALL
"""

_SHARE: Final = """divideDecimal(toDecimal256(
        intDiv(units({0}) * passed, whole) - intDiv(units({0}) * before, whole), 0), scale, 18)"""

_OVER_DAYS: Final = f"""
INSERT INTO charge_days ({_WORDS}, day, billed_cost, effective_cost, charges)
WITH
    toDecimal256('1000000000000000000', 0) AS scale,
    (amount -> toInt256(toDecimal256(amount, 18) * scale)) AS units,
    toUnixTimestamp(charge_period_start) AS first,
    toInt256(toUnixTimestamp(charge_period_end) - first) AS whole,
    toInt256(least(toUnixTimestamp(charge_period_end), (number + 1) * 86400) - first) AS passed,
    toInt256(greatest(first, number * 86400) - first) AS before
SELECT {_WORDS}, toDate(number) AS day, sum({_SHARE.format("c.billed_cost")}),
    sum({_SHARE.format("c.effective_cost")}), countIf(number = intDiv(first, 86400))
FROM charges AS c
ARRAY JOIN range(
    intDiv(toUnixTimestamp(charge_period_start), 86400), intDiv(toUnixTimestamp(charge_period_end) - 1, 86400) + 1
) AS number
WHERE batch IN {{batches:Array(String)}} AND NOT ({_ONE_DAY})
GROUP BY ALL
"""
"""A day's part is what has passed by its end less what had passed before it, each cut at 18 places."""


@dataclass(frozen=True, slots=True)
class DayFilter:
    """Which sums are asked for: batches that count, and days from `first` to `last`, both included."""

    batches: Sequence[str]
    first: date
    last: date
    service: str | None = None
    """'' asks for what no tag or rule gives to a service."""


class ChargeDays:
    """The table `charge_days` of a store."""

    def __init__(self, store: TelemetryStore) -> None:
        self._engine: Engine = store.engine
        self._read = {
            "max_execution_time": store.settings.query_timeout_seconds,
            "max_memory_usage": store.settings.query_memory_bytes,
        }

    def build(self, batches: Sequence[str]) -> None:
        """Sum the charges of `batches` anew. Not in one transaction: call it before the batches count."""
        self.remove(batches)
        for statement in (_WITHIN_A_DAY, _OVER_DAYS):
            self._engine.command(statement, {"batches": list(batches)}, _INSERT)

    def built(self) -> dict[str, tuple[int, Decimal]]:
        """(charges, billed cost) by batch that has sums; a batch cut off while it was summed has less than its bill."""
        rows = self._engine.rows("SELECT batch, sum(charges), sum(billed_cost) FROM charge_days GROUP BY batch")
        return {str(batch): (int(charges), billed) for batch, charges, billed in rows}

    def remove(self, batches: Sequence[str]) -> None:
        """Forget the sums of `batches`."""
        parameters = {"batches": list(batches)}
        if self._engine.rows("SELECT 1 FROM charge_days WHERE batch IN {batches:Array(String)} LIMIT 1", parameters):
            self._engine.command(
                "ALTER TABLE charge_days DELETE WHERE batch IN {batches:Array(String)}", parameters, _DELETE
            )

    def sums(self, asked: DayFilter, by: Sequence[Word]) -> list[tuple[Any, ...]]:
        """(words of `by` ..., billed cost, effective cost, charges), exact, ordered by the words."""
        if not asked.batches:
            return []
        words = ", ".join("toStartOfMonth(day) AS month" if word == "month" else word for word in by)
        condition = "" if asked.service is None else "AND service = {service:String}"
        sql = f"""
            SELECT {words + "," if words else ""} sum(billed_cost) AS billed, sum(effective_cost) AS effective,
                sum(charges) AS count
            FROM charge_days
            WHERE batch IN {{batches:Array(String)}} AND day BETWEEN {{first:Date}} AND {{last:Date}} {condition}
            GROUP BY {", ".join(by) or "()"} ORDER BY ALL
        """
        return [tuple(row) for row in self._engine.rows(sql, _parameters(asked), self._read)]

    def over_time(self, asked: DayFilter, by: Sequence[Word]) -> list[tuple[Any, ...]]:
        """As `sums` by at least one word, and two more columns: days since `first`, and what was billed on each.

        The sums are exact; the amounts of the days are floats, for drawing.
        """
        if not asked.batches:
            return []
        words = ", ".join(by)
        condition = "" if asked.service is None else "AND service = {service:String}"
        sql = f"""
            SELECT {words}, sum(billed) AS all_billed, sum(effective) AS all_effective, sum(count) AS all_count,
                groupArray(toInt32(day - {{first:Date}})), groupArray(toFloat64(billed))
            FROM (
                SELECT {words}, day, sum(billed_cost) AS billed, sum(effective_cost) AS effective,
                    sum(charges) AS count
                FROM charge_days
                WHERE batch IN {{batches:Array(String)}} AND day BETWEEN {{first:Date}} AND {{last:Date}} {condition}
                GROUP BY {words}, day
            )
            GROUP BY {words} ORDER BY {words}
        """
        return [tuple(row) for row in self._engine.rows(sql, _parameters(asked), self._read)]


def _parameters(asked: DayFilter) -> dict[str, Any]:
    return {
        "batches": list(asked.batches),
        "first": asked.first,
        "last": asked.last,
        "service": asked.service or "",
    }
