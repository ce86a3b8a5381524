"""The columns of FOCUS 1.0 that have a place of their own, and which of all must be in a file.

Source: https://focus.finops.org/focus-specification/v1-0/ (feature level and "allows nulls" of each column).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from collectors.wire.focus.errors import FocusRefused

NULL_WORDS: Final = ("", "NULL", "null")
"""How exports write null in CSV; the specification names none."""


class Kind(Enum):
    TEXT = auto()
    EXPECTED_TEXT = auto()
    """Null is against the specification, but found in real bills: noted, not refused."""
    CATEGORY = auto()
    CURRENCY = auto()
    MOMENT = auto()
    AMOUNT = auto()
    EXPECTED_AMOUNT = auto()
    OPTIONAL_AMOUNT = auto()
    TAGS = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """A FOCUS column and the column of CHARGE_SCHEMA that it fills."""

    name: str
    target: str
    kind: Kind


COLUMNS: Final = (
    Column("BilledCost", "billed_cost", Kind.AMOUNT),
    Column("BillingAccountId", "billing_account_id", Kind.EXPECTED_TEXT),
    Column("BillingCurrency", "billing_currency", Kind.CURRENCY),
    Column("BillingPeriodEnd", "billing_period_end", Kind.MOMENT),
    Column("BillingPeriodStart", "billing_period_start", Kind.MOMENT),
    Column("ChargeCategory", "charge_category", Kind.CATEGORY),
    Column("ChargeClass", "charge_class", Kind.TEXT),
    Column("ChargeDescription", "charge_description", Kind.TEXT),
    Column("ChargeFrequency", "charge_frequency", Kind.TEXT),
    Column("ChargePeriodEnd", "charge_period_end", Kind.MOMENT),
    Column("ChargePeriodStart", "charge_period_start", Kind.MOMENT),
    Column("ConsumedQuantity", "consumed_quantity", Kind.OPTIONAL_AMOUNT),
    Column("ConsumedUnit", "consumed_unit", Kind.TEXT),
    Column("ContractedCost", "contracted_cost", Kind.EXPECTED_AMOUNT),
    Column("EffectiveCost", "effective_cost", Kind.AMOUNT),
    Column("ListCost", "list_cost", Kind.EXPECTED_AMOUNT),
    Column("PricingQuantity", "pricing_quantity", Kind.OPTIONAL_AMOUNT),
    Column("PricingUnit", "pricing_unit", Kind.TEXT),
    Column("ProviderName", "provider_name", Kind.TEXT),
    Column("RegionId", "region_id", Kind.TEXT),
    Column("ResourceId", "resource_id", Kind.TEXT),
    Column("ResourceName", "resource_name", Kind.TEXT),
    Column("ResourceType", "resource_type", Kind.TEXT),
    Column("ServiceCategory", "service_category", Kind.EXPECTED_TEXT),
    Column("ServiceName", "service_name", Kind.EXPECTED_TEXT),
    Column("SkuId", "sku_id", Kind.TEXT),
    Column("SubAccountId", "sub_account_id", Kind.TEXT),
    Column("SubAccountName", "sub_account_name", Kind.TEXT),
    Column("Tags", "tags", Kind.TAGS),
)

BY_KEY: Final = {column.name.lower(): column for column in COLUMNS}
"""By lower-case name: files spell SkuPriceId in two ways, so case is not held against them."""

MANDATORY: Final = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd",
    "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity",
    "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName",
)  # fmt: skip

SUCCESSORS: Final = {"ProviderName": "serviceprovidername", "PublisherName": "hostprovidername"}
"""FOCUS 1.3 renames these two."""


def check_header(names: Sequence[str]) -> None:
    """Raises FocusRefused if a mandatory column is missing or one stands there twice."""
    lowered = [name.lower() for name in names]
    if missing := missing_columns(lowered):
        raise FocusRefused(f"columns are missing that FOCUS prescribes: {', '.join(missing)}")
    if twice := sorted({name for name in lowered if lowered.count(name) > 1}):
        raise FocusRefused(f"columns stand in the header twice: {', '.join(twice)}")


def missing_columns(lower_case_names: Collection[str]) -> list[str]:
    """Mandatory columns that are not among `lower_case_names`, as the specification spells them."""
    return [
        name
        for name in MANDATORY
        if name.lower() not in lower_case_names and SUCCESSORS.get(name) not in lower_case_names
    ]
