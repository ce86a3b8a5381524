"""A bill on its way in: decoded, given to services, written, and only then made to count.

Charges go to the store first, under a batch that nobody names yet; the row in the database makes them visible
all at once. A process that dies in between leaves a batch that never counts and is swept away a day later.
"""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings

from collectors.wire.focus import decode_focus, plain_bytes
from collectors.wire.limits import DecodeLimits
from fleet.actions.costs import BillAlreadyImported, BillFacts, record_bill, withdraw_bills
from fleet.jobs import JobRun, job
from fleet.mapping import UNKNOWN_SERVICE, resolve_service
from fleet.models import CostImport
from fleet.selectors.costs import bill_with, counting_batches
from telemetry.model.charges import ChargeBatch
from telemetry.model.errors import LimitExceeded
from telemetry.store import current
from telemetry.store.charges import ChargeTable

SWEEP: Final = "costs.sweep"
"""Kind of the job."""

ENVIRONMENT_TAGS: Final = ("environment", "env", "Environment", "Env", "stage")
MAPPED_COLUMNS: Final = {
    "sub_account_id": "SubAccountId",
    "sub_account_name": "SubAccountName",
    "resource_id": "ResourceId",
    "resource_name": "ResourceName",
    "service_name": "ServiceName",
}
"""Columns that mapping rules see beside the tags, under their FOCUS names."""

_WIDE: Final = pa.decimal256(58, 18)
MAX_SERVICES: Final = 2000
"""A bill that names more services than this has a tag mistaken for a service."""


@dataclass(frozen=True, slots=True)
class ImportedBill:
    """What became of a file."""

    bill: CostImport
    new: bool
    """False if a file with the same content counted already: nothing was changed."""
    billed_cost: dict[str, Decimal]
    """By currency; empty if not new."""
    services: int = 0
    unallocated: int = 0
    """Charges that no tag or rule gives to a service."""
    notices: tuple[str, ...] = ()


def bill_limits() -> DecodeLimits:
    """How large a bill may be, from the settings."""
    return DecodeLimits(max_decoded_bytes=settings.BILLS["max_decoded_bytes"])


def import_bill(
    body: bytes,
    *,
    file_name: str,
    actor: str,
    service: str | None = None,
    simulated: bool = False,
    ip: str | None = None,
) -> ImportedBill:
    """Import a FOCUS file; `service` is the one that the sender is bound to.

    Raises FocusRefused, InvalidInput, LimitExceeded or StoreUnavailable; then nothing of it counts.
    """
    limits = bill_limits()
    text = plain_bytes(body, limits)
    sha256 = hashlib.sha256(text).hexdigest()
    if existing := bill_with(sha256):
        return ImportedBill(existing, False, {})
    charges = decode_focus(text, limits, max_charges=settings.BILLS["max_charges"])
    services, environments = _owners(charges, service)
    billed = _billed(charges)
    facts = _facts(charges, billed, file_name, sha256)
    table = ChargeTable(current())
    try:
        table.write(facts.batch.hex, charges, services, environments)
        bill = record_bill(facts=facts, services=_named(services), simulated=simulated, actor=actor, ip=ip)
    except BillAlreadyImported as error:
        table.remove([facts.batch.hex])
        return ImportedBill(error.existing, False, {})
    return ImportedBill(bill, True, billed, len(_named(services)), services.count(""), charges.notices)


def remove_bills(bills: list[CostImport], *, actor: str) -> int:
    """Bills no longer count and their charges are deleted; the number of charges."""
    return ChargeTable(current()).remove(withdraw_bills(bills=bills, actor=actor))


@job(SWEEP)
def sweep(run: JobRun) -> str:
    """Job: delete charges of imports that were cut off."""
    return f"{sweep_unfinished()} unfinished imports removed"


def sweep_unfinished() -> int:
    """Delete charges of imports that were cut off more than a day ago; the number of batches."""
    table = ChargeTable(current())
    unfinished = sorted(set(table.batches(older_than_hours=24)) - set(counting_batches()))
    table.remove(unfinished)
    return len(unfinished)


def _owners(charges: ChargeBatch, bound: str | None) -> tuple[list[str], list[str]]:
    """(service, environment) of each charge, '' where nothing names one. Raises LimitExceeded."""
    known: dict[tuple[str, ...], tuple[str, str]] = {}
    services, environments = [], []
    for key in _keys(charges.table):
        owner = known.get(key)
        if owner is None:
            owner = known[key] = _owner(key, bound)
        services.append(owner[0])
        environments.append(owner[1])
    named = len(_named(services))
    if named > MAX_SERVICES:
        raise LimitExceeded(
            f"the bill names {named} services, over the limit of {MAX_SERVICES}: "
            "a mapping rule for costs can say which tag is the service",
            limit_name="MAX_SERVICES",
        )
    return services, environments


def _keys(table: Any) -> Iterator[tuple[str, ...]]:
    """(tags, mapped columns ...) of each charge."""
    return zip(*(table[name].to_pylist() for name in ("tags", *MAPPED_COLUMNS)), strict=True)


def _owner(key: tuple[str, ...], bound: str | None) -> tuple[str, str]:
    tags = _tags(key[0])
    columns = zip(MAPPED_COLUMNS.values(), key[1:], strict=True)
    service = resolve_service("costs", [*((name, text) for name, text in columns if text), *tags.items()], bound)
    environment = next((tags[name] for name in ENVIRONMENT_TAGS if tags.get(name)), "")
    return "" if service == UNKNOWN_SERVICE else service, environment[:100]


def _tags(text: str) -> dict[str, str]:
    """Tag names and values; names without blanks around them, as exports of some clouds have."""
    tags: dict[str, Any] = orjson.loads(text) if text else {}
    return {name.strip(): _tag_text(value) for name, value in tags.items()}


def _tag_text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _named(services: list[str]) -> set[str]:
    return set(services) - {""}


def _billed(charges: ChargeBatch) -> dict[str, Decimal]:
    """Exact sum of the bill by currency."""
    currencies = charges.table["billing_currency"]
    return {
        currency: _exact_sum(charges.table.filter(pc.equal(currencies, currency))["billed_cost"])
        for currency in sorted(pc.unique(currencies).to_pylist())
    }


def amount_text(amount: Decimal) -> str:
    """Exact decimal text without exponent or trailing zeros: "3.5"."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _exact_sum(amounts: Any) -> Decimal:
    total: Decimal = pc.sum(pc.cast(amounts, _WIDE)).as_py()
    return total


def _facts(charges: ChargeBatch, billed: dict[str, Decimal], file_name: str, sha256: str) -> BillFacts:
    return BillFacts(
        batch=uuid.uuid4(),
        file_name=file_name,
        sha256=sha256,
        charges=len(charges),
        billed_cost=amount_text(next(iter(billed.values()))) if len(billed) == 1 else "",
        currency=",".join(billed),
        period_start=pc.min(charges.table["charge_period_start"]).as_py(),
        period_end=pc.max(charges.table["charge_period_end"]).as_py(),
    )
