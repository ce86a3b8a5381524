"""Charges of bills: written by batch, read as sums and rows of the batches that the caller says count."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from telemetry.model.charges import CHARGE_SCHEMA, ChargeBatch, ChargeGroup
from telemetry.store.engine import Engine
from telemetry.store.store import TelemetryStore

_INSERT_ROWS: Final = 100_000
_INSERT: Final = {"max_partitions_per_insert_block": 0}
_DELETE: Final = {"mutations_sync": 2}

_GROUPS: Final = """
SELECT
    service, environment, billing_currency, service_category,
    toUnixTimestamp(if(one_day, toDateTime(toStartOfDay(charge_period_start), 'UTC'), charge_period_start)) AS start_s,
    toUnixTimestamp(
        if(one_day, toDateTime(toStartOfDay(charge_period_start) + toIntervalDay(1), 'UTC'), charge_period_end)
    ) AS end_s,
    sum(toDecimal256(billed_cost, 18)) AS billed, sum(toDecimal256(effective_cost, 18)) AS effective, count() AS charges
FROM (
    SELECT *, toDate(charge_period_start) = toDate(charge_period_end - toIntervalSecond(1)) AS one_day
    FROM charges
    WHERE batch IN {batches:Array(String)}
        AND charge_period_start < toDateTime({end:Int64}, 'UTC')
        AND charge_period_end > toDateTime({start:Int64}, 'UTC')
)
GROUP BY service, environment, billing_currency, service_category, start_s, end_s
ORDER BY ALL
"""

_BATCHES: Final = """
SELECT batch, count() FROM charges GROUP BY batch
HAVING max(written_at) <= now() - toIntervalHour({hours:UInt32})
"""

_COLUMNS: Final = """
    batch, row, service, environment, charge_period_start, charge_period_end, charge_category, charge_description,
    billing_currency, billed_cost, effective_cost, service_name, resource_id, tags
"""
_ASKED: Final = """
    batch IN {batches:Array(String)}
    AND charge_period_start < toDateTime({end:Int64}, 'UTC')
    AND charge_period_end > toDateTime({start:Int64}, 'UTC')
    AND (NOT {by_service:Bool} OR service IN {services:Array(String)})
    AND (NOT {by_environment:Bool} OR environment = {environment:String})
    AND (NOT {by_category:Bool} OR service_category = {category:String})
    AND (NOT {by_currency:Bool} OR billing_currency = {currency:String})
"""
_LARGEST: Final = f"""
SELECT {_COLUMNS} FROM charges
WHERE (batch, row) IN (
    SELECT batch, row FROM charges WHERE {_ASKED} ORDER BY abs(billed_cost) DESC, batch, row LIMIT {{limit:UInt64}}
) AND {_ASKED}
ORDER BY abs(billed_cost) DESC, batch, row
LIMIT {{limit:UInt64}}
"""
_SUMMED: Final = f"""
SELECT billing_currency, count(), sum(toDecimal256(billed_cost, 18)), sum(toDecimal256(effective_cost, 18))
FROM charges WHERE {_ASKED} GROUP BY billing_currency ORDER BY billing_currency
"""
_QUANTITIES: Final = f"""
SELECT
    concat(service_name, if(sku_id = '', '', concat(' ', sku_id)), if(unit = '', '', concat(' (', unit, ')')))
        AS product,
    sum(toDecimal256(billed_cost, 18)),
    if(countIf(quantity IS NULL) > 0, NULL, sum(toDecimal256(quantity, 18)))
FROM (
    SELECT *, ifNull(consumed_quantity, pricing_quantity) AS quantity,
        if(consumed_quantity IS NULL, pricing_unit, consumed_unit) AS unit
    FROM charges WHERE {_ASKED}
)
GROUP BY product ORDER BY product
"""


@dataclass(frozen=True, slots=True)
class ChargeFilter:
    """Charges of `batches` whose period overlaps [start_s, end_s); None asks for any word, '' for none."""

    batches: Sequence[str]
    start_s: int
    end_s: int
    services: Sequence[str] | None = None
    environment: str | None = None
    category: str | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class ChargeRow:
    """One charge as it stands in a bill; `row` counts as a spreadsheet does."""

    batch: str
    row: int
    service: str
    environment: str
    charge_period_start: datetime
    charge_period_end: datetime
    """Exclusive."""
    charge_category: str
    charge_description: str
    currency: str
    billed_cost: Decimal
    effective_cost: Decimal
    service_name: str
    """The provider's word for what it sold."""
    resource_id: str
    tags: str


class ChargeTable:
    """The table `charges` of a store."""

    def __init__(self, store: TelemetryStore) -> None:
        self._engine: Engine = store.engine
        self._read = {
            "max_execution_time": store.settings.query_timeout_seconds,
            "max_memory_usage": store.settings.query_memory_bytes,
        }

    def write(
        self,
        batch: str | Any,
        charges: ChargeBatch,
        services: Sequence[str] | Any,
        environments: Sequence[str] | Any,
    ) -> None:
        """Add charges; `services[i]` ('' = unallocated) and `environments[i]` belong to charge i, as does `batch[i]`
        where it is not one text for all. Sequences of texts or pyarrow arrays of them.

        Committed on return. Raises StoreUnavailable, after which part of the batch may be there: remove it.
        """
        table = charges.table
        batches = [batch] * len(charges) if isinstance(batch, str) else batch
        for name, values in (("environment", environments), ("service", services), ("batch", batches)):
            table = table.add_column(0, name, _words(values))
        for start in range(0, len(charges), _INSERT_ROWS):
            self._engine.insert("charges", table.slice(start, _INSERT_ROWS).combine_chunks(), _INSERT)

    def remove(self, batches: Sequence[str]) -> int:
        """Delete the rows of these batches; the number of rows that there were."""
        count = self._engine.rows(
            "SELECT count() FROM charges WHERE batch IN {batches:Array(String)}", {"batches": list(batches)}
        )[0][0]
        if count:
            sql = "ALTER TABLE charges DELETE WHERE batch IN {batches:Array(String)}"
            self._engine.command(sql, {"batches": list(batches)}, _DELETE)
        return int(count)

    def batches(self, *, older_than_hours: int = 0) -> dict[str, int]:
        """Every batch that has rows, whether it counts or was cut off, with their number."""
        rows = self._engine.rows(_BATCHES, {"hours": older_than_hours}, self._read)
        return {str(batch): int(count) for batch, count in rows}

    def groups(self, batches: Sequence[str], start_s: int, end_s: int) -> list[ChargeGroup]:
        """Sums of the charges whose period overlaps [start_s, end_s), exact, by service, environment, currency,
        provider category and period. Periods within one UTC day are told as that day.
        """
        if not batches:
            return []
        rows = self._engine.rows(_GROUPS, _range(batches, start_s, end_s), self._read)
        return [ChargeGroup(*row) for row in rows]

    def rows(
        self, batches: Sequence[str], service: str, start_s: int, end_s: int, *, limit: int = 200
    ) -> list[ChargeRow]:
        """The largest charges of one service ('' = unallocated) whose period overlaps [start_s, end_s)."""
        return self.largest(ChargeFilter(batches, start_s, end_s, [service]), limit=limit)

    def largest(self, asked: ChargeFilter, *, limit: int = 200) -> list[ChargeRow]:
        """The charges of the largest amounts, credits by their size, largest first."""
        if not asked.batches:
            return []
        parameters = {**_asked(asked), "limit": limit}
        return [ChargeRow(*row) for row in self._engine.rows(_LARGEST, parameters, self._read)]

    def summed(self, asked: ChargeFilter) -> list[tuple[str, int, Decimal, Decimal]]:
        """(currency, charges, billed cost, effective cost), exact, of whole charges."""
        if not asked.batches:
            return []
        return [tuple(row) for row in self._engine.rows(_SUMMED, _asked(asked), self._read)]

    def extra_columns(self, asked: ChargeFilter) -> list[str]:
        """Names of the columns that charges have beside those of the table."""
        if not asked.batches:
            return []
        sql = f"SELECT DISTINCT arrayJoin(JSONExtractKeys(extra)) AS name FROM charges WHERE {_ASKED} ORDER BY name"
        return [str(row[0]) for row in self._engine.rows(sql, _asked(asked), self._read)]

    def whole(self, asked: ChargeFilter, columns: Sequence[str], *, block: int = 20_000) -> Iterator[tuple[Any, ...]]:
        """`columns` of every charge by batch and row, some thousand at a time. Raises ValueError for an unknown one."""
        if unknown := set(columns) - set(CHARGE_SCHEMA.names) - {"batch", "service", "environment", "row"}:
            raise ValueError(f"charges have no columns {sorted(unknown)}")
        sql = f"""
            SELECT row, {", ".join(columns)} FROM charges
            WHERE {_ASKED} AND row > {{after:Int64}} ORDER BY row LIMIT {{block:UInt64}}
        """
        for batch in asked.batches:
            after, parameters = -1, _asked(replace(asked, batches=[batch]))
            while rows := self._engine.rows(sql, {**parameters, "after": after, "block": block}, self._read):
                yield from (tuple(row[1:]) for row in rows)
                after = rows[-1][0]

    def quantities(self, asked: ChargeFilter) -> list[tuple[str, Decimal, Decimal | None]]:
        """(product, billed cost, quantity), exact, of whole charges; no quantity where any charge has none.

        Ask for one currency: amounts of several would be added up.
        """
        if not asked.batches:
            return []
        return [tuple(row) for row in self._engine.rows(_QUANTITIES, _asked(asked), self._read)]


def _words(values: Sequence[str] | Any) -> Any:
    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, pa.string())
    return array if pa.types.is_dictionary(array.type) else array.dictionary_encode()


def _range(batches: Sequence[str], start_s: int, end_s: int) -> dict[str, Any]:
    return {"batches": list(batches), "start": start_s, "end": end_s}


def _asked(asked: ChargeFilter) -> dict[str, Any]:
    return {
        **_range(asked.batches, asked.start_s, asked.end_s),
        "by_service": asked.services is not None,
        "services": list(asked.services or ()),
        "by_environment": asked.environment is not None,
        "environment": asked.environment or "",
        "by_category": asked.category is not None,
        "category": asked.category or "",
        "by_currency": asked.currency is not None,
        "currency": asked.currency or "",
    }
