"""`/api/budgets`: how budgets stand, and the check that a pipeline asks before it deploys."""

from datetime import UTC, datetime

from django.http import HttpRequest
from ninja import Field, Router, Schema

from dashboard.accounts.ninja_auth import Requires
from dashboard.panels.budgets import BudgetRow, budget_rows
from fleet.selectors.budgets import budgets, budgets_of

router = Router(tags=["costs"])


class BudgetOut(Schema):
    name: str
    scope: str = Field(description="team, service or tag")
    value: str
    currency: str
    amount: str = Field(description="decimal text, a month")
    state: str = Field(description="ok, near, forecast_over, over, or unknown where it could not be checked")
    reason: str
    spent: str | None
    expected: str | None = Field(description="of the whole month")


class BudgetCheckOut(Schema):
    service: str
    passes: bool | None = Field(description="null: no budget covers the service, or one could not be checked")
    budgets: list[BudgetOut]


@router.get("/budgets", response=list[BudgetOut], auth=Requires("view:cost"), summary="All budgets and how they stand")
def list_budgets(request: HttpRequest) -> list[BudgetOut]:
    return [_budget_out(row) for row in budget_rows(budgets(), datetime.now(UTC).date())]


@router.get(
    "/budgets/check", response=BudgetCheckOut, auth=Requires("view:cost"), summary="May this service spend more?"
)
def check_budgets(request: HttpRequest, service: str) -> BudgetCheckOut:
    rows = budget_rows(budgets_of(service), datetime.now(UTC).date())
    return BudgetCheckOut(service=service, passes=verdict(rows), budgets=[_budget_out(row) for row in rows])


def verdict(rows: list[BudgetRow]) -> bool | None:
    """False if any budget is broken, None if that cannot be said."""
    if any(row.breaks for row in rows):
        return False
    return None if not rows or any(row.state == "unknown" for row in rows) else True


def _budget_out(row: BudgetRow) -> BudgetOut:
    return BudgetOut(
        name=row.budget.name,
        scope=row.budget.scope,
        value=row.budget.value,
        currency=row.budget.currency,
        amount=row.budget.amount,
        state=row.state,
        reason=row.reason,
        spent=None if row.month.spent is None else f"{row.month.spent:f}",
        expected=None if row.month.expected is None else f"{row.month.expected:f}",
    )
