"""`/settings/targets/job`: the targets of one scrape job, why some are dropped, and how the others go."""

from collections.abc import Sequence
from typing import Any, Final

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from fleet.actions.scrape_jobs import remove_job, switch_job
from fleet.models import ScrapeJob
from fleet.scrape_states import DroppedTarget, TargetState
from fleet.selectors.scrape_targets import job_state, job_summaries, moment

PAGE_TARGETS: Final = 100
_SHOWN: Final = ("active", "down", "dropped")


@requires("view:settings")
@require_GET
def scrape_job(request: HttpRequest) -> HttpResponse:
    """One job, a page of its targets."""
    name = request.GET.get("name", "")
    summary = next((each for each in job_summaries() if each.name == name), None)
    if summary is None:
        raise Http404(f"there is no scrape job {name!r}")
    state = job_state(name)
    show = request.GET.get("show") if request.GET.get("show") in _SHOWN else "active"
    query = request.GET.get("q", "").strip()
    chosen: Sequence[TargetState | DroppedTarget] = (
        state.dropped if show == "dropped" else [each for each in state.active if show == "active" or each.up is False]
    )
    found = [each for each in chosen if _holds(each, query)] if query else chosen
    context = {
        "page_title": f"Scrape job {name}",
        "job": summary,
        "problems": state.problems,
        "show": show,
        "query": query,
        "page": Paginator([_row(each) for each in found], PAGE_TARGETS).get_page(request.GET.get("page")),
        "dropped_shown": len(state.dropped),
        "may_manage": actor_of(request).can("manage:targets"),
    }
    return render(request, "settings/scrape_job.html", context)


def _holds(target: TargetState | DroppedTarget, text: str) -> bool:
    """Whether a label (or the address, or the error) of the target contains `text`."""
    values = list(target.discovered.values())
    if isinstance(target, TargetState):
        values += [target.url, target.error, *target.labels.values()]
    return any(text.lower() in value.lower() for value in values)


def _row(target: TargetState | DroppedTarget) -> dict[str, Any]:
    row: dict[str, Any] = {"target": target, "discovered": sorted(target.discovered.items())}
    row["address"] = target.discovered.get("__address__", "")
    if isinstance(target, TargetState):
        row |= {"labels": sorted(target.labels.items()), "at": moment(target.at_ms)}
    return row


@requires("manage:targets")
@require_POST
def change_scrape_job(request: HttpRequest, job_id: int) -> HttpResponse:
    """Pause, resume or remove one job."""
    job = get_object_or_404(ScrapeJob, pk=job_id)
    actor = actor_of(request).audit_name
    match request.POST.get("do"):
        case "pause":
            switch_job(job=job, enabled=False, actor=actor)
        case "resume":
            switch_job(job=job, enabled=True, actor=actor)
        case "remove":
            remove_job(job=job, actor=actor)
        case other:
            return HttpResponse(f"cannot {other!r} this job", status=400)
    return redirect("/settings/targets")
