"""`/scaling/backtest`: asks for a back-test and shows what came of it, each under an address of its own."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.accounts.actor import actor_of
from dashboard.accounts.csv_export import csv_response
from dashboard.accounts.gate import requires
from dashboard.backtests.ask import ask
from dashboard.backtests.figures import counts_figure, load_figure, pareto_figure
from dashboard.backtests.question import BadQuestion, Question, question_of
from dashboard.backtests.run import document_of
from dashboard.panels.time_range import PageRange, page_range
from fleet.models import Backtest, Service
from fleet.selectors.scaling import backtests, scaling_policies
from policies.documents.located import DocumentError
from telemetry.model.errors import TelemetryError
from telemetry.store import current

_COLUMNS = (
    "policy", "minimum", "maximum", "target", "scale_down_stabilization_seconds", "slo_violation_minutes",
    "unserved_ratio", "replica_hours", "cost", "changes", "flaps", "cold_starts", "minutes_at_maximum",
    "agreement_ratio",
)  # fmt: skip
_LOADS = (("requests", "requests/s"), ("cpu", "CPU cores"), ("query", "a PromQL query"))
_PASTED = "pasted"
_MOST_LISTED = 20


class BacktestForm(forms.Form):
    """What to replay, over what, for which money. Empty capacity: learned from recorded minutes."""

    service = forms.ModelChoiceField(Service.objects.order_by("name"), to_field_name="name", label="Service")
    environment = forms.CharField(max_length=200, required=False, label="Environment")
    load = forms.ChoiceField(choices=_LOADS, initial="requests", label="Load")
    query = forms.CharField(max_length=4000, required=False, label="Query (one series)")
    capacity = forms.FloatField(required=False, label="Load a replica carries", help_text="empty: learned")
    objective_seconds = forms.FloatField(initial=0.5, label="Latency objective, s (95 %)")
    start_up_seconds = forms.IntegerField(initial=60, label="Start-up, s")
    step_seconds = forms.IntegerField(initial=15, label="Step, s")
    price = forms.CharField(initial="0.04", max_length=20, label="Replica hour")
    currency = forms.CharField(initial="USD", max_length=8, label="Currency")
    search = forms.IntegerField(initial=40, label="Candidates each")
    factor = forms.FloatField(initial=1.0, label="Traffic times (what if)")


@requires("view:fleet")
@require_http_methods(["GET", "POST"])
def backtest_page(request: HttpRequest) -> HttpResponse:
    time_range = page_range(request.GET, default="now-2d")
    form = BacktestForm(request.POST) if request.method == "POST" else BacktestForm(initial=_initial(request))
    yaml = request.POST.get("yaml", "")
    if request.method == "POST" and form.is_valid():
        try:
            row = ask(_question(request, form, time_range), actor_of(request).audit_name)
            return redirect(f"/scaling/backtest/{row.key}")
        except (BadQuestion, DocumentError) as error:
            form.add_error(None, str(error))
    service = request.GET.get("service", "")
    context = {
        "page_title": "Back-test",
        "tab": "backtest",
        "time_range": time_range,
        "form": form,
        "yaml": yaml,
        "recorded": request.method == "GET" or "recorded" in request.POST,
        "chosen": request.POST.getlist("policy"),
        "stored": scaling_policies(service),
        "service": service,
        "backtests": backtests(service)[:_MOST_LISTED],
    }
    return render(request, "scaling/backtest.html", context)


def _initial(request: HttpRequest) -> dict[str, Any]:
    return {name: request.GET[name] for name in ("service", "environment", "load", "query") if name in request.GET}


def _question(request: HttpRequest, form: BacktestForm, time_range: PageRange) -> Question:
    values = {**form.cleaned_data, "service": form.cleaned_data["service"].name}
    chosen = scaling_policies().filter(pk__in=[one for one in request.POST.getlist("policy") if one.isdigit()])
    policies = [(policy.name, policy.text) for policy in chosen]
    if request.POST.get("yaml", "").strip():
        policies.append((_PASTED, request.POST["yaml"]))
    step_ms = max(1, values["step_seconds"]) * 1000
    return Question(
        **values,
        start_ms=-(-time_range.start_ms // step_ms) * step_ms,
        end_ms=time_range.end_ms - time_range.end_ms % step_ms,
        policies=tuple(policies),
        recorded="recorded" in request.POST,
    )


@requires("view:fleet")
@require_safe
def backtest_result(request: HttpRequest, key: str) -> HttpResponseBase:
    row = get_object_or_404(Backtest.objects.select_related("service", "job"), key=key)
    question = question_of(row.question)
    result = row.result
    if result and request.GET.get("format") == "csv":
        return csv_response("backtest.csv", _COLUMNS, [[one[name] for name in _COLUMNS] for one in result["results"]])
    context: dict[str, Any] = {
        "page_title": "Back-test",
        "tab": "backtest",
        "row": row,
        "question": question,
        "waiting": row.result is None and not row.error,
    }
    if result:
        context |= _shown(request, question, result)
        if request.GET.get("format") == "yaml" and context["document"]:
            return _download(context["document"])
    return render(request, "scaling/backtest_result.html", context)


def _shown(request: HttpRequest, question: Question, result: dict[str, Any]) -> dict[str, Any]:
    names = [one["policy"] for one in result["results"]]
    chosen = request.GET.get("policy", "")
    chosen = chosen if chosen in names else (result["pareto"] or names)[0]
    document, error = _document(question, chosen)
    return {
        "result": result,
        "results": _ordered(result),
        "chosen": chosen,
        "document": document,
        "document_error": error,
        "pareto": pareto_figure(result, lambda name: f"{request.path}?{urlencode({'policy': name})}#document"),
        "counts": counts_figure(question, result, chosen),
        "load_figure": load_figure(question, result),
    }


def _ordered(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Policies that were asked for, then the front by rising cost; candidates that lose are only in the download."""
    best = set(result["pareto"])
    rows = [{**row, "best": row["policy"] in best} for row in result["results"] if row["own"] or row["policy"] in best]
    return sorted(rows, key=lambda row: (not row["own"], float(row["cost"])))


def _document(question: Question, name: str) -> tuple[str, str]:
    """(YAML of a policy, why there is none)."""
    try:
        return document_of(question, current(), name), ""
    except (BadQuestion, DocumentError, TelemetryError) as error:
        return "", str(error)


def _download(text: str) -> HttpResponse:
    headers = {"Content-Disposition": 'attachment; filename="policy.yaml"'}
    return HttpResponse(text, content_type="application/yaml; charset=utf-8", headers=headers)
