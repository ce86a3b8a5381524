"""A bill on its way in: decoded, given to services, written, and only then made to count.

Charges go to the store first, under a batch that nobody names yet; the row in the database makes them visible
all at once. A process that dies in between leaves a batch that never counts and is swept away a day later.
"""

import io
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal, Inexact
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings

from collectors.bill_owners import Owners, distinct_rows
from collectors.wire.focus import BillReader, digest
from collectors.wire.limits import DecodeLimits
from fleet.actions.costs import BillAlreadyImported, BillFacts, PartFacts, record_bill, withdraw_bills
from fleet.jobs import JobRun, job
from fleet.models import CostImport
from fleet.selectors.costs import bill_with, kept_batches
from telemetry.model.charges import ChargeBatch
from telemetry.model.errors import TelemetryError
from telemetry.store import current
from telemetry.store.charge_days import ChargeDays
from telemetry.store.charges import ChargeTable

SWEEP: Final = "costs.sweep"
"""Kind of the job."""

PART_COLUMNS: Final = (
    "provider_name", "billing_account_id", "billing_currency", "billing_period_start", "billing_period_end",
)  # fmt: skip
"""What a part of a bill is of; a later file replaces whole parts."""

_WIDE: Final = pa.decimal256(58, 18)
EXACT: Final = Context(prec=120, traps=[Inexact])


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
    replaced: int = 0
    """Parts of earlier files that it replaced."""


def bill_limits() -> DecodeLimits:
    """How large a bill may be, from the settings."""
    return DecodeLimits(max_decoded_bytes=settings.BILLS["max_decoded_bytes"])


def import_bill(body: bytes, **how: Any) -> ImportedBill:
    """`import_bill_file` of a file in memory."""
    return import_bill_file(io.BytesIO(body), **how)


def import_bill_file(
    file: IO[bytes],
    *,
    file_name: str,
    actor: str,
    service: str | None = None,
    simulated: bool = False,
    ip: str | None = None,
    replace: bool = True,
    progress: Callable[[int], None] = lambda charges: None,
) -> ImportedBill:
    """Import a FOCUS file (CSV, gzip, Parquet), some rows at a time; `service` is the one that the sender is bound to.

    A part that an earlier file had (same provider, account, billing period and currency) is replaced, unless
    `replace` is False. `progress(charges)` is called as they are written. Raises FocusRefused, InvalidInput,
    LimitExceeded or StoreUnavailable; then nothing of it counts.
    """
    limits = bill_limits()
    sha256 = digest(file, limits)
    if existing := bill_with(sha256):
        return ImportedBill(existing, False, {})
    reader = BillReader(limits, max_charges=settings.BILLS["max_charges"])
    written = _Written(ChargeTable(current()), Owners(service), uuid.uuid4())
    days = ChargeDays(current())
    try:
        for charges in one_ahead(reader.read(file)):
            written.add(charges)
            progress(reader.charges)
        days.build(written.keys)
        bill = record_bill(
            facts=written.facts(file_name, sha256),
            services=written.services,
            simulated=simulated,
            actor=actor,
            ip=ip,
            replace=replace,
        )
    except BillAlreadyImported as error:
        _remove(written.keys)
        return ImportedBill(error.existing, False, {})
    except TelemetryError:
        _remove(written.keys)
        raise
    return ImportedBill(
        bill, True, written.billed, len(written.services), written.unallocated, reader.notices, bill.replaced.count()
    )


def one_ahead(batches: Iterator[ChargeBatch]) -> Iterator[ChargeBatch]:
    """The same batches; the next one is decoded while the caller writes the last one."""
    with ThreadPoolExecutor(1, thread_name_prefix="bill-decode") as pool:
        following = pool.submit(next, batches, None)
        while (batch := following.result()) is not None:
            following = pool.submit(next, batches, None)
            yield batch


def _remove(keys: list[str]) -> int:
    ChargeDays(current()).remove(keys)
    return ChargeTable(current()).remove(keys)


class _Written:
    """What was written of one file so far."""

    def __init__(self, table: ChargeTable, owners: Owners, batch: uuid.UUID) -> None:
        self._table = table
        self._owners = owners
        self._batch = batch
        self._parts: dict[tuple[Any, ...], _Part] = {}
        self._first: datetime | None = None
        self._last: datetime | None = None
        self.charges = 0
        self.unallocated = 0

    def add(self, charges: ChargeBatch) -> None:
        """Write some charges. Raises LimitExceeded for too many services, StoreUnavailable."""
        table = charges.table
        services, environments = self._owners.of(table)
        self._table.write(self._keys_of(table), charges, services, environments)
        self.charges += len(charges)
        self.unallocated += int(pc.sum(pc.equal(services, "")).as_py() or 0)
        first, last = pc.min(table["charge_period_start"]).as_py(), pc.max(table["charge_period_end"]).as_py()
        self._first = min(self._first or first, first)
        self._last = max(self._last or last, last)

    def _keys_of(self, table: Any) -> Any:
        """Key of each charge's part; a part that is new gets the next number."""
        codes, words = distinct_rows(table, PART_COLUMNS)
        keys = []
        for number, word in enumerate(words):
            part = self._parts.setdefault(word, _Part(f"{self._batch.hex}-{len(self._parts)}"))
            chosen = table["billed_cost"].filter(pa.array(codes == number))
            part.charges += len(chosen)
            part.billed = EXACT.add(part.billed, _exact_sum(chosen))
            keys.append(part.key)
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(keys, pa.string()))

    @property
    def keys(self) -> list[str]:
        return [part.key for part in self._parts.values()]

    @property
    def services(self) -> set[str]:
        return self._owners.services

    @property
    def billed(self) -> dict[str, Decimal]:
        """Exact sum by currency."""
        sums: dict[str, Decimal] = {}
        for word, part in self._parts.items():
            sums[word[2]] = EXACT.add(sums.get(word[2], Decimal(0)), part.billed)
        return dict(sorted(sums.items()))

    def facts(self, file_name: str, sha256: str) -> BillFacts:
        billed = self.billed
        if self._first is None or self._last is None:
            raise ValueError("a bill without charges has no facts")
        return BillFacts(
            batch=self._batch,
            file_name=file_name,
            sha256=sha256,
            charges=self.charges,
            billed_cost=amount_text(next(iter(billed.values()))) if len(billed) == 1 else "",
            currency=",".join(billed),
            period_start=self._first,
            period_end=self._last,
            parts=tuple(
                PartFacts(*(part.key, *word, part.charges, amount_text(part.billed)))
                for word, part in self._parts.items()
            ),
        )


@dataclass(slots=True)
class _Part:
    key: str
    charges: int = 0
    billed: Decimal = Decimal(0)


def remove_bills(bills: list[CostImport], *, actor: str) -> int:
    """Bills no longer count and their charges are deleted; the number of charges."""
    return _remove(withdraw_bills(bills=bills, actor=actor))


@job(SWEEP)
def sweep(run: JobRun) -> str:
    """Job: delete charges of imports that were cut off."""
    return f"{sweep_unfinished()} unfinished imports removed"


def sweep_unfinished() -> int:
    """Delete charges of imports that were cut off more than a day ago; the number of batches."""
    unfinished = sorted(set(ChargeTable(current()).batches(older_than_hours=24)) - set(kept_batches()))
    _remove(unfinished)
    return len({key.partition("-")[0] for key in unfinished})


def amount_text(amount: Decimal) -> str:
    """Exact decimal text without exponent or trailing zeros: "3.5"."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _exact_sum(amounts: Any) -> Decimal:
    total: Decimal = pc.sum(pc.cast(amounts, _WIDE)).as_py()
    return total
