"""Looks at every budget each hour, so that a change of its state is recorded when it happens."""

from datetime import UTC, datetime
from typing import Final

from dashboard.panels.budgets import budget_rows
from fleet.actions.budgets import note_budget_state
from fleet.jobs import JobRun, job
from fleet.selectors.budgets import budgets

LOOK_AT_BUDGETS: Final = "costs.budgets"
"""Kind of the job."""


@job(LOOK_AT_BUDGETS)
def look_at_budgets(run: JobRun) -> str:
    """Job, hourly."""
    return f"{look(datetime.now(UTC))} budgets changed their state"


def look(now: datetime) -> int:
    """Note how each budget stands; the number of those that changed."""
    return sum(
        note_budget_state(budget=row.budget, state=row.state, reason=row.reason)
        for row in budget_rows(budgets(), now.date())
    )
