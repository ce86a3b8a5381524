"""What a cloud would charge for the simulated fleet, as a FOCUS 1.0 file: from the replica hours that really ran.

Some charges carry no tag and some credits are negative, as in every real bill. Source of the columns:
https://focus.finops.org/focus-specification/v1-0/
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from dashboard.demo.noise import one, stream_of
from dashboard.demo.simulation import Simulation, Workload
from dashboard.demo.story import DAY

CPU_HOUR: Final = Decimal("0.0421")
GIB_HOUR: Final = Decimal("0.0052")
GIB_MONTH: Final = Decimal("0.108")

_COLUMNS: Final = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd",
    "ChargePeriodStart", "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "EffectiveCost", "InvoiceIssuerName",
    "ListCost", "PricingCategory", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "RegionId",
    "ResourceId", "ServiceCategory", "ServiceName", "Tags",
)  # fmt: skip
_ISSUER: Final = "Example Cloud (simulated)"


def focus_file(simulation: Simulation, days: Sequence[int]) -> bytes:
    """CSV of the charges of `days` (whole days since 1970 that were simulated)."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, restval="NULL", lineterminator="\n")
    writer.writeheader()
    for day in days:
        rows = [row for workload in simulation.workloads for row in _workload_rows(simulation, workload, day)]
        writer.writerows([*rows, *_shared_rows(rows, day)])
    return text.getvalue().encode()


Row = dict[str, str]


def _workload_rows(simulation: Simulation, workload: Workload, day: int) -> Iterator[Row]:
    service = workload.service
    hours = Decimal(f"{workload.replica_hours.get(day, 0.0):.4f}")
    tags = f'{{"service": "{service.name}", "environment": "{workload.environment}", "team": "{service.team}"}}'
    cpu = hours * Decimal(str(service.cpu_request))
    memory = hours * Decimal(int(service.memory_limit_bytes)) / 2**30
    stored = Decimal(f"{20 + 180 * one(stream_of(simulation.story.seed, service.name, 'disk')):.0f}")
    resource = f"{workload.environment}/{service.name}"
    yield _row(day, cpu * CPU_HOUR, "Compute", "Virtual machines", "vCPU hours", cpu, resource, tags)
    yield _row(day, memory * GIB_HOUR, "Compute", "Virtual machines", "GiB hours", memory, resource, tags)
    if workload.environment == "production":
        share = stored * GIB_MONTH * 24 / 730
        yield _row(
            day, share, "Storage", "Block storage", "GiB months", stored * 24 / 730, f"disk/{service.name}", tags
        )


def _shared_rows(rows: Iterable[Row], day: int) -> Iterator[Row]:
    """What nobody's tag is on: the network, support, and a credit for committed use."""
    spend = sum((Decimal(row["BilledCost"]) for row in rows), Decimal(0))
    gib = Decimal(40 + day % 7 * 3)
    yield _row(day, gib * Decimal("0.045"), "Networking", "NAT gateway", "GiB", gib, "nat-gateway", "NULL")
    yield _row(day, spend * Decimal("0.03"), "Other", "Support plan", "Percent", Decimal(3), "support", "NULL")
    yield _row(
        day, -spend * Decimal("0.02"), "Other", "Committed use", "Credits", Decimal(1), "credit", "NULL", "Credit"
    )


def _row(
    day: int, cost: Decimal, category: str, name: str, unit: str, quantity: Decimal, resource: str, tags: str,
    charge_category: str = "Usage",
) -> Row:  # fmt: skip
    amount, moment = f"{cost:.10f}", datetime.fromtimestamp(day * DAY / 1000, UTC)
    first = moment.replace(day=1)
    return {
        "BilledCost": amount,
        "EffectiveCost": amount,
        "ContractedCost": amount,
        "ListCost": f"{abs(cost):.10f}",
        "BillingAccountId": "simulated-1",
        "BillingAccountName": "Simulated fleet",
        "BillingCurrency": "USD",
        "BillingPeriodStart": _iso(first),
        "BillingPeriodEnd": _iso((first + timedelta(days=32)).replace(day=1)),
        "ChargePeriodStart": _iso(moment),
        "ChargePeriodEnd": _iso(moment + timedelta(days=1)),
        "ChargeCategory": charge_category,
        "ChargeDescription": f"{name}, {unit.lower()}",
        "ChargeFrequency": "Usage-Based",
        "ConsumedQuantity": f"{quantity:.6f}",
        "ConsumedUnit": unit,
        "PricingCategory": "Standard",
        "PricingQuantity": f"{quantity:.6f}",
        "PricingUnit": unit,
        "InvoiceIssuerName": _ISSUER,
        "ProviderName": _ISSUER,
        "PublisherName": _ISSUER,
        "RegionId": "eu-central-1",
        "ResourceId": resource,
        "ServiceCategory": category,
        "ServiceName": name,
        "Tags": tags,
    }


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
