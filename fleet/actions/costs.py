"""Bills become part of what counts, or cease to."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from fleet.actions.audit import record
from fleet.models import AllocationVersion, ApiToken, CostImport, CostPart, Service


class BillAlreadyImported(Exception):
    """A file with the same content counts already; it is `existing`."""

    def __init__(self, existing: CostImport) -> None:
        super().__init__(f"the same bill was imported as {existing.file_name}")
        self.existing = existing


@dataclass(frozen=True, slots=True)
class PartFacts:
    """What a file says of one provider, account, billing period and currency."""

    key: str
    """Under which its charges lie in the store."""
    provider: str
    account: str
    currency: str
    period_start: datetime
    period_end: datetime
    """Exclusive."""
    charges: int
    billed_cost: str
    """Decimal text."""


@dataclass(frozen=True, slots=True)
class BillFacts:
    """What is kept of a bill beside its charges."""

    batch: uuid.UUID
    file_name: str
    sha256: str
    charges: int
    billed_cost: str
    """Decimal text, '' if the bill has several currencies."""
    currency: str
    """Currency codes, comma-separated."""
    period_start: datetime
    period_end: datetime
    """Exclusive."""
    parts: tuple[PartFacts, ...] = ()


def record_bill(
    *,
    facts: BillFacts,
    services: Collection[str],
    simulated: bool,
    actor: str,
    ip: str | None = None,
    replace: bool = True,
) -> CostImport:
    """From now on the charges of `facts` count. Services that the bill names are discovered.

    Parts of earlier files of the same provider, account, billing period and currency cease to count, unless
    `replace` is False. Raises BillAlreadyImported, changing nothing, if a file with the same content counts already.
    """
    with transaction.atomic():
        # The audit trail lets one writer in at a time, so the look for the same file comes after it.
        record(
            actor=actor,
            action="costs.imported",
            object_type="cost_import",
            object_id=facts.batch.hex,
            detail={"file": facts.file_name, "rows": facts.charges, "billed_cost": facts.billed_cost},
            ip=ip,
        )
        existing = CostImport.objects.filter(sha256=facts.sha256).first()
        if existing:
            raise BillAlreadyImported(existing)
        Service.objects.bulk_create([Service(name=name) for name in sorted(services)], ignore_conflicts=True)
        bill = CostImport.objects.create(
            batch=facts.batch,
            file_name=facts.file_name[:300],
            sha256=facts.sha256,
            rows=facts.charges,
            billed_cost=facts.billed_cost,
            currency=facts.currency[:30],
            period_start=facts.period_start,
            period_end=facts.period_end,
            simulated=simulated,
        )
        if replace:
            _replace(bill, facts.parts)
        CostPart.objects.bulk_create([_part(bill, part) for part in facts.parts])
        return bill


def _replace(bill: CostImport, parts: Collection[PartFacts]) -> None:
    for part in parts:
        CostPart.objects.filter(
            counts_until=None,
            bill__simulated=bill.simulated,
            provider=part.provider[:200],
            account=part.account[:200],
            currency=part.currency,
            period_start=part.period_start,
            period_end=part.period_end,
        ).update(counts_until=bill.imported_at, replaced_by=bill)


def _part(bill: CostImport, part: PartFacts) -> CostPart:
    return CostPart(
        bill=bill,
        key=part.key,
        provider=part.provider[:200],
        account=part.account[:200],
        currency=part.currency,
        period_start=part.period_start,
        period_end=part.period_end,
        rows=part.charges,
        billed_cost=part.billed_cost,
        counts_from=bill.imported_at,
    )


def withdraw_bills(*, bills: Collection[CostImport], actor: str) -> list[str]:
    """The charges of `bills` do not count any more, and what they had replaced counts again.

    Returns the keys of their charges in the store, for the caller to delete.
    """
    with transaction.atomic():
        keys = list(CostPart.objects.filter(bill__in=bills).values_list("key", flat=True))
        CostPart.objects.filter(replaced_by__in=bills).update(counts_until=None, replaced_by=None)
        for bill in bills:
            record(
                actor=actor,
                action="costs.withdrawn",
                object_type="cost_import",
                object_id=bill.batch.hex,
                detail={"file": bill.file_name, "rows": bill.rows},
            )
        CostImport.objects.filter(pk__in=[bill.pk for bill in bills]).delete()
    return keys


def add_allocation(*, name: str, document: str, valid_from: date, actor: str) -> AllocationVersion:
    """From `valid_from` on costs are given to services by `document`, which the caller has read without fault."""
    with transaction.atomic():
        version = AllocationVersion.objects.create(
            name=name[:200], document=document, valid_from=valid_from, created_by=actor
        )
        record(
            actor=actor,
            action="costs.allocation_added",
            object_type="allocation_version",
            object_id=str(version.pk),
            detail={"name": name, "valid_from": valid_from.isoformat(), "document": document},
        )
        return version


def is_simulated_token(token_id: int | None) -> bool:
    """Whether what the token sends is simulated."""
    return token_id is not None and ApiToken.objects.filter(pk=token_id, simulated=True).exists()
