"""`/cost/budgets`: what teams, services and tags may cost a month, and how they stand."""

from datetime import UTC, datetime

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from dashboard.panels.budgets import budget_rows
from fleet.actions.budgets import InvalidBudget, add_budget, remove_budget
from fleet.models import Budget
from fleet.selectors.budgets import budgets as all_budgets


class BudgetForm(forms.Form):
    """A new budget."""

    name = forms.CharField(label="Name", max_length=200)
    scope = forms.ChoiceField(label="Of", choices=Budget.Scope.choices)
    value = forms.CharField(label="Which one", max_length=300, help_text="A tag is written NAME=VALUE.")
    amount = forms.CharField(label="Amount a month", max_length=40)
    currency = forms.RegexField(label="Currency", regex=r"^[A-Z]{3}$", initial="USD", max_length=3)
    near_ratio = forms.CharField(label="Warn from share", initial="0.8", max_length=10)


@requires("view:cost")
@require_http_methods(["GET", "POST"])
def budgets(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    may_manage = actor.can("manage:costs")
    form = BudgetForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not may_manage:
            return HttpResponse("your role may not change budgets", status=403)
        if form.is_valid():
            try:
                messages.success(request, f"{add_budget(**form.cleaned_data, actor=actor.audit_name)}.")
                return redirect("/cost/budgets")
            except InvalidBudget as error:
                form.add_error(None, f"This budget cannot work: {error}.")
    rows = budget_rows(all_budgets(), datetime.now(UTC).date())
    context = {"page_title": "Budgets", "rows": rows, "form": form, "may_manage": may_manage}
    return render(request, "cost/budgets.html", context)


@requires("manage:costs")
@require_POST
def remove(request: HttpRequest, budget_id: int) -> HttpResponse:
    """End a budget."""
    remove_budget(budget=get_object_or_404(Budget, pk=budget_id), actor=actor_of(request).audit_name)
    messages.success(request, "The budget is gone.")
    return redirect("/cost/budgets")
