"""`/settings/health`: how Belvedere itself is."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.accounts.gate import requires
from dashboard.runtime.readiness import probe
from fleet.models import Job
from telemetry.model.errors import TelemetryError
from telemetry.store import TableUsage, current

_JOBS_SHOWN = 25


@dataclass(frozen=True, slots=True)
class Check:
    """One part that is needed, and what is wrong with it."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Size of one table; `bytes_per_row` is None while it is empty."""

    table: str
    rows: int
    bytes_on_disk: int
    bytes_per_row: float | None


@requires("view:settings")
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    usage, usage_error = _usage()
    context = {
        "page_title": "Health",
        "checks": _checks(),
        "usage": usage,
        "usage_error": usage_error,
        "jobs": Job.objects.order_by("-pk")[:_JOBS_SHOWN],
    }
    return render(request, "settings/health.html", context)


def _checks() -> list[Check]:
    return [Check(name, not fault, fault or "works") for name, fault in probe.ask().faults.items()]


def _usage() -> tuple[list[UsageRow], str]:
    try:
        return [_row(table) for table in current().usage()], ""
    except TelemetryError as error:
        return [], str(error)


def _row(table: TableUsage) -> UsageRow:
    per_row = table.bytes_on_disk / table.rows if table.rows else None
    return UsageRow(table.table, table.rows, table.bytes_on_disk, per_row)
