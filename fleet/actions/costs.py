"""Bills become part of what counts, or cease to."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from fleet.actions.audit import record
from fleet.models import ApiToken, CostImport, Service


class BillAlreadyImported(Exception):
    """A file with the same content counts already; it is `existing`."""

    def __init__(self, existing: CostImport) -> None:
        super().__init__(f"the same bill was imported as {existing.file_name}")
        self.existing = existing


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


def record_bill(
    *, facts: BillFacts, services: Collection[str], simulated: bool, actor: str, ip: str | None = None
) -> CostImport:
    """From now on the charges of `facts.batch` count. Services that the bill names are discovered.

    Raises BillAlreadyImported, changing nothing, if a file with the same content counts already.
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
        return CostImport.objects.create(
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


def withdraw_bills(*, bills: Collection[CostImport], actor: str) -> list[str]:
    """The charges of `bills` do not count any more; the batches, for the caller to delete."""
    with transaction.atomic():
        for bill in bills:
            record(
                actor=actor,
                action="costs.withdrawn",
                object_type="cost_import",
                object_id=bill.batch.hex,
                detail={"file": bill.file_name, "rows": bill.rows},
            )
        CostImport.objects.filter(pk__in=[bill.pk for bill in bills]).delete()
    return [bill.batch.hex for bill in bills]


def is_simulated_token(token_id: int | None) -> bool:
    """Whether what the token sends is simulated."""
    return token_id is not None and ApiToken.objects.filter(pk=token_id, simulated=True).exists()
