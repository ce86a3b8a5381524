"""Cost charges as columns, in the words of FOCUS (https://focus.finops.org/focus-specification/v1-0/)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

AMOUNT: Final = pa.decimal128(38, 18)
"""Exact amounts and quantities: 20 digits before the point, 18 behind it."""

MOMENT: Final = pa.timestamp("s", tz="UTC")

CHARGE_SCHEMA: Final = pa.schema(
    [
        pa.field("row", pa.uint32(), nullable=False),
        pa.field("billing_account_id", pa.string(), nullable=False),
        pa.field("billing_currency", pa.string(), nullable=False),
        pa.field("billing_period_start", MOMENT, nullable=False),
        pa.field("billing_period_end", MOMENT, nullable=False),
        pa.field("charge_period_start", MOMENT, nullable=False),
        pa.field("charge_period_end", MOMENT, nullable=False),
        pa.field("charge_category", pa.string(), nullable=False),
        pa.field("charge_class", pa.string(), nullable=False),
        pa.field("charge_description", pa.string(), nullable=False),
        pa.field("charge_frequency", pa.string(), nullable=False),
        pa.field("billed_cost", AMOUNT, nullable=False),
        pa.field("effective_cost", AMOUNT, nullable=False),
        pa.field("list_cost", AMOUNT),
        pa.field("contracted_cost", AMOUNT),
        pa.field("pricing_quantity", AMOUNT),
        pa.field("pricing_unit", pa.string(), nullable=False),
        pa.field("consumed_quantity", AMOUNT),
        pa.field("consumed_unit", pa.string(), nullable=False),
        pa.field("provider_name", pa.string(), nullable=False),
        pa.field("region_id", pa.string(), nullable=False),
        pa.field("resource_id", pa.string(), nullable=False),
        pa.field("resource_name", pa.string(), nullable=False),
        pa.field("resource_type", pa.string(), nullable=False),
        pa.field("service_category", pa.string(), nullable=False),
        pa.field("service_name", pa.string(), nullable=False),
        pa.field("sku_id", pa.string(), nullable=False),
        pa.field("sub_account_id", pa.string(), nullable=False),
        pa.field("sub_account_name", pa.string(), nullable=False),
        pa.field("tags", pa.string(), nullable=False),
        pa.field("extra", pa.string(), nullable=False),
    ]
)
"""One row a charge. Text is '' where the bill has null, amounts stay null; period ends are exclusive.

`row` counts as a spreadsheet does (the header is row 1); `service_name` is the provider's word for what it
sold, not a service of the fleet; `tags` is a JSON object or ''; `extra` holds every other non-empty column
of the file as a JSON object of text, or ''.
"""


@dataclass(frozen=True, slots=True)
class ChargeBatch:
    """The charges of one bill."""

    table: Any
    """pyarrow.Table with CHARGE_SCHEMA."""
    notices: tuple[str, ...] = ()
    """Sentences about what is odd in the bill but does not change an amount."""

    def __len__(self) -> int:
        return int(self.table.num_rows)


@dataclass(frozen=True, slots=True)
class ChargeGroup:
    """Sum of the charges that share a service, an environment, a currency and a charge period."""

    service: str
    """'' where no tag or rule names one: unallocated."""
    environment: str
    """'' where no tag names one."""
    currency: str
    service_category: str
    start_s: int
    """First second of the charge period since 1970 UTC."""
    end_s: int
    """Exclusive."""
    billed_cost: Decimal
    effective_cost: Decimal
    charges: int
