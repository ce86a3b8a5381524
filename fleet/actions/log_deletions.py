"""Deletions of log records are asked for and leave receipts; a receipt cannot be removed."""

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from fleet.actions.audit import record
from fleet.jobs import enqueue
from fleet.models import LogDeletion

DELETE = "logs.delete"
"""Kind of the job."""


def ask_for_log_deletion(
    *, query: str, service: str, start_ns: int, end_ns: int, rows_matched: int, actor: str
) -> LogDeletion:
    """Write the receipt and queue the job."""
    with transaction.atomic():
        row = LogDeletion.objects.create(
            query=query, service=service, start_ns=start_ns, end_ns=end_ns, rows_matched=rows_matched, asked_by=actor
        )
        _record(row, "log_deletion.asked", actor)
        enqueue(DELETE, arguments={"deletion_id": row.pk}, idempotency_key=f"{DELETE}:{row.pk}")
    return row


def note_log_deletion(*, deletion_id: int, rows_gone: int, progress_ratio: float) -> None:
    """So many more records are gone."""
    LogDeletion.objects.filter(pk=deletion_id).update(
        state=LogDeletion.State.RUNNING, rows_gone=F("rows_gone") + rows_gone, progress_ratio=progress_ratio
    )


def finish_log_deletion(*, deletion_id: int, rows_left: int | None, error: str = "") -> LogDeletion:
    """Close the receipt: done, or failed with the reason."""
    state = LogDeletion.State.FAILED if error else LogDeletion.State.DONE
    with transaction.atomic():
        LogDeletion.objects.filter(pk=deletion_id).update(
            state=state, rows_left=rows_left, error=error[:500], finished_at=timezone.now(), progress_ratio=1
        )
        row = LogDeletion.objects.get(pk=deletion_id)
        _record(row, f"log_deletion.{state}", row.asked_by)
    return row


def _record(row: LogDeletion, action: str, actor: str) -> None:
    detail = {
        "query": row.query,
        "service": row.service,
        "start_ns": str(row.start_ns),
        "end_ns": str(row.end_ns),
        "rows_matched": row.rows_matched,
        "rows_gone": row.rows_gone,
        "rows_left": row.rows_left,
    }
    record(actor=actor, action=action, object_type="log_deletion", object_id=str(row.pk), detail=detail)
