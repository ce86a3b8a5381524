"""Accepting risks from the security page, and settling what waits or is in force."""

from collections.abc import Sequence
from typing import Final

from django.contrib import messages
from django.db.models import Case, IntegerField, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from dashboard.accounts.next_url import safe_next
from fleet.actions.acceptances import approve_acceptance, end_acceptance, reject_acceptance
from fleet.actions.decisions import InvalidDecision
from fleet.models import RiskAcceptance
from policies.dependencies.acceptances import accept

_SHOWN: Final = 100


def accepted(request: HttpRequest, findings: Sequence[int], back: str) -> HttpResponse:
    """Ask for acceptances of `findings` as the form says."""
    days = request.POST.get("days", "")
    try:
        made = accept(
            findings=findings,
            condition=request.POST.get("condition", ""),
            days=int(days) if days.isascii() and days.isdecimal() and len(days) < 6 else 0,
            reason=request.POST.get("reason", ""),
            actor=actor_of(request).audit_name,
        )
    except InvalidDecision as error:
        messages.error(request, f"Nothing was changed: {error}.")
        return redirect(back)
    waits = any(row.state == RiskAcceptance.State.REQUESTED for row in made)
    messages.success(request, "Somebody else must approve it now." if waits else f"{len(made)} accepted.")
    return redirect(back)


@requires("manage:findings")
@require_POST
def settle(request: HttpRequest, acceptance_id: int) -> HttpResponse:
    """Approve or reject a request, or end an acceptance that is in force."""
    actor, verb = actor_of(request).audit_name, request.POST.get("do", "")
    try:
        if verb == "approve":
            approve_acceptance(acceptance=acceptance_id, actor=actor)
        elif verb == "reject":
            reject_acceptance(acceptance=acceptance_id, actor=actor)
        elif verb == "end":
            ended = RiskAcceptance.State.ENDED
            end_acceptance(acceptance=acceptance_id, state=ended, evidence=f"ended by {actor}", actor=actor)
        else:
            raise InvalidDecision(f"{verb!r} is none of approve, reject, end")
    except InvalidDecision as error:
        messages.error(request, f"Nothing was changed: {error}.")
    return redirect(safe_next(request.POST.get("next", "/security")))


def acceptances_shown() -> list[RiskAcceptance]:
    """Those that wait, those in force (failing ones first), then the latest that ended."""
    order = Case(
        When(state=RiskAcceptance.State.REQUESTED, then=Value(0)),
        When(state=RiskAcceptance.State.ACTIVE, failing_since__isnull=False, then=Value(1)),
        When(state=RiskAcceptance.State.ACTIVE, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    rows = RiskAcceptance.objects.select_related("finding__service", "finding__environment")
    return list(rows.order_by(order, "expires_at")[:_SHOWN])
