"""`/security`: what must be fixed first, and what nobody could check."""

from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard.accounts.actor import actor_of
from dashboard.accounts.csv_export import csv_response
from dashboard.accounts.gate import requires
from dashboard.accounts.next_url import safe_next
from dashboard.panels.finding_ranks import (
    DUE_STATES,
    RankedFinding,
    due_counts,
    problem_groups,
    ranked_findings,
    upgrades_first,
)
from dashboard.panels.running import running_now
from dashboard.panels.security import risk_by_package, risk_by_service, security_numbers
from dashboard.views.acceptances import acceptances_shown, accepted
from fleet.actions.decisions import (
    BY_PEOPLE,
    JUSTIFICATIONS,
    Decision,
    InvalidDecision,
    decide_findings,
    undo_decision,
    undoable,
)
from fleet.models import Finding
from fleet.selectors.dependencies import unknown_components
from fleet.selectors.findings import OPEN, SEVERITY_WORDS, FindingFilter, unknown_reasons
from policies.dependencies.in_force import policy_in_force
from policies.dependencies.rank import FACTOR_NAMES
from policies.dependencies.standing import Running

_PER_PAGE = 25
_MEMBERS_SHOWN = 20
_UNKNOWN_SHOWN = 200
_REASONS_SHOWN = 12


@requires("view:security")
@require_safe
def security(request: HttpRequest) -> HttpResponseBase:
    wanted, now, actor = finding_filter(request), timezone.now(), actor_of(request)
    due = request.GET.get("due", "")
    without = [name for name in request.GET.getlist("without") if name in FACTOR_NAMES]
    running = running_now()
    everything = ranked_findings(wanted, running, now, without=without)
    rows = [each for each in everything if each.clock and each.clock.state == due] if due in DUE_STATES else everything
    if request.GET.get("format") == "csv":
        return csv_response("findings.csv", COLUMNS, (csv_row(row) for row in rows))
    context = {
        "page_title": "Security",
        "numbers": security_numbers(now),
        "page": Paginator(problem_groups(rows), _PER_PAGE).get_page(request.GET.get("page")),
        "found": len(rows),
        "due": due if due in DUE_STATES else "",
        "due_counts": due_counts(everything),
        "overdue": due_counts(_open(everything, wanted, running, now))["overdue"],
        "is_narrowed": wanted != FindingFilter() or due in DUE_STATES,
        "upgrades": upgrades_first(rows),
        "factors": [(name, name not in without, _toggled(without, name)) for name in FACTOR_NAMES],
        "running_error": running.error,
        "members_shown": _MEMBERS_SHOWN if not wanted.advisory else None,
        "may_decide": actor.can("manage:findings"),
        "given_states": [(state.value, state.label) for state in (*BY_PEOPLE, Finding.State.ACCEPTED)],
        "terms": policy_in_force().acceptance,
        "acceptances": acceptances_shown(),
        "me": actor.audit_name,
        "justifications": JUSTIFICATIONS,
        "undo": undoable(request.GET.get("decided", ""), actor.audit_name),
        "wanted": wanted,
        "severities": SEVERITY_WORDS,
        "states": Finding.State.choices,
        "by_service": risk_by_service(),
        "by_package": risk_by_package(),
        "unknown": unknown_components().order_by("report__service__name", "name")[:_UNKNOWN_SHOWN],
        "reasons": unknown_reasons(_REASONS_SHOWN),
        "audit_command": _audit_command(),
    }
    return render(request, "security/security.html", context)


@requires("manage:findings")
@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """Decide about the chosen findings; the page that follows offers to undo it."""
    owner = request.POST.get("owner", "").strip()
    decision = Decision(
        state=request.POST.get("give") or None,
        reason=request.POST.get("reason", ""),
        justification=request.POST.get("justification", ""),
        owner=owner if owner or request.POST.get("clear_owner") else None,
    )
    back = safe_next(request.POST.get("next", "/security"))
    chosen = [int(text) for text in request.POST.getlist("finding") if text.isascii() and text.isdecimal()]
    if decision.state == Finding.State.ACCEPTED:
        return accepted(request, chosen, back)
    try:
        made = decide_findings(findings=chosen, decision=decision, actor=actor_of(request).audit_name)
    except InvalidDecision as error:
        messages.error(request, f"Nothing was changed: {error}.")
        return redirect(back)
    return redirect(f"{back}{'&' if '?' in back else '?'}decided={made.pk}")


@requires("manage:findings")
@require_POST
def undo(request: HttpRequest, decision_id: int) -> HttpResponse:
    """Take back a decision that was made a moment ago."""
    try:
        count = undo_decision(decision=decision_id, actor=actor_of(request).audit_name)
        messages.success(request, f"{count} finding{'' if count == 1 else 's'} as before.")
    except InvalidDecision as error:
        messages.error(request, f"Not undone: {error}.")
    return redirect(safe_next(request.POST.get("next", "/security")))


def _open(found: list[RankedFinding], wanted: FindingFilter, running: Running, now: datetime) -> list[RankedFinding]:
    """Everything that is open, `found` itself if that is what was asked for."""
    return found if wanted == FindingFilter() else ranked_findings(FindingFilter(), running, now)


def _toggled(without: list[str], name: str) -> list[str]:
    return [each for each in without if each != name] if name in without else [*without, name]


def _audit_command() -> str:
    return (
        'pip-audit -f json | curl -H "Authorization: Bearer TOKEN" --data-binary @- '
        f'"{settings.PUBLIC_URL}/api/audits?service=checkout&environment=production"'
    )


def finding_filter(request: HttpRequest) -> FindingFilter:
    """The filter in the address; words that do not exist narrow nothing."""
    given = request.GET
    state, severity = given.get("state", OPEN), given.get("severity", "")
    return FindingFilter(
        state=state if state in Finding.State.values else "",
        severity=severity if severity in SEVERITY_WORDS else "",
        **{name: given.get(name, "").strip() for name in _NAMES},
    )


_NAMES = ("service", "package", "advisory", "environment", "team", "owner")
COLUMNS = (
    "service", "environment", "team", "package", "version", "advisory", "aliases", "severity_score", "state",
    "fix_versions", "first_seen", "last_seen", "rank", "due", "overdue", "owner", "reason", "introduced_by",
    "fixed_version",
)  # fmt: skip


def csv_row(each: RankedFinding) -> tuple[object, ...]:
    """One line of the export."""
    row = each.row
    return (
        row.service.name,
        row.environment.name,
        row.service.team.name if row.service.team else "",
        row.package,
        row.version,
        row.advisory_id,
        " ".join(row.aliases),
        row.severity_score,
        row.state,
        " ".join(row.fix_versions),
        row.first_seen_at.isoformat(),
        row.last_seen_at.isoformat(),
        round(each.rank.value, 2),
        each.clock.due_at.isoformat() if each.clock else "",
        each.clock.is_overdue if each.clock else "",
        row.owner,
        row.reason,
        row.introduced_by.version if row.introduced_by else "",
        row.fixed_version,
    )
