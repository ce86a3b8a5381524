"""Budgets and the forecast: pages, command and API say the same, and say when they cannot know."""

import io
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from collectors.bills import import_bill
from dashboard.budget_watch import look
from dashboard.panels.budgets import budget_rows
from dashboard.panels.cost_forecast import cause_words, forecast_panel
from fleet.actions.budgets import add_budget
from fleet.models import AuditEvent, Budget, Deployment, Environment, Service, Team
from telemetry.store import TelemetryStore, set_current
from telemetry.store.charges import ChargeTable
from tests.dashboard.daily_bills import daily_bill
from tests.dashboard.people import client_with_role

pytestmark = pytest.mark.django_db

TODAY = date(2026, 5, 16)


@pytest.fixture(autouse=True)
def no_charges(store: TelemetryStore) -> None:
    table = ChargeTable(store)
    table.remove(list(table.batches()))


def budget(amount: str, *, scope: str = "service", value: str = "mail", name: str = "b") -> Budget:
    return add_budget(
        name=name, scope=scope, value=value, amount=amount, currency="USD", near_ratio="0.8", actor="user:ada"
    )


def billed(last: date = TODAY - timedelta(days=1), *, days: int = 70, tags: str = '{"service": "mail"}') -> None:
    import_bill(daily_bill([10] * days, last, tags=tags), file_name=f"{tags}.csv", actor="user:ada", replace=False)


@pytest.mark.parametrize(
    ("amount", "state"), [("140", "over"), ("300", "forecast_over"), ("180", "forecast_over"), ("320", "ok")]
)
def test_a_budget_is_judged_on_what_is_billed_and_what_is_expected(amount: str, state: str) -> None:
    billed()
    (row,) = budget_rows([budget(amount)], TODAY)
    assert (row.state, row.month.spent, row.month.expected) == (state, 150, 310)


def test_teams_and_tags_have_budgets_too() -> None:
    billed(tags='{"service": "mail", "center": "42"}')
    billed(tags='{"service": "web"}')
    Service.objects.filter(name="web").update(team=Team.objects.create(name="Front"))
    of_team = budget("1", scope="team", value="Front", name="team")
    of_tag = budget("1000", scope="tag", value="center=42", name="tag")
    found = {row.budget.name: (row.state, row.month.spent) for row in budget_rows([of_team, of_tag], TODAY)}
    assert found == {"team": ("over", 150), "tag": ("ok", 150)}


def test_without_a_bill_of_this_month_nothing_is_said_to_be_well() -> None:
    billed(TODAY - timedelta(days=40))
    (row,) = budget_rows([budget("1000")], TODAY)
    assert (row.state, row.spent_ratio) == ("unknown", None)
    set_current(None)
    (row,) = budget_rows([row.budget], TODAY)
    assert row.state == "unknown"
    assert "could not be read" in row.reason


def test_a_change_of_state_is_recorded_once() -> None:
    billed()
    kept = budget("140")
    now = datetime(2026, 5, 16, 12, tzinfo=UTC)
    assert [look(now), look(now)] == [1, 0]
    kept.refresh_from_db()
    assert kept.state == "over"
    event = AuditEvent.objects.get(action="budget.state_changed")
    assert (event.detail["from"], event.detail["to"]) == ("", "over")


def check(service: str) -> tuple[int, str]:
    stream = io.StringIO()
    try:
        call_command("budget", "check", "--service", service, stdout=stream)
    except CommandError as error:
        return error.returncode, f"{stream.getvalue()}{error}"
    return 0, stream.getvalue()


def test_the_check_tells_broken_from_unknown() -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    billed(yesterday + timedelta(days=1))
    assert check("mail")[0] == 2
    assert "no budget covers" in check("mail")[1]
    kept = budget("100000")
    assert check("mail")[0] == 0
    kept.amount = "0.01"
    kept.save()
    assert check("mail")[0] == 1
    assert "over budget: b" in check("mail")[1]
    answer = client_with_role("cost_viewer").get("/api/budgets/check?service=mail").json()
    assert (answer["passes"], answer["budgets"][0]["state"]) == (False, "over")
    budget("5", value="other", name="other")
    assert check("other")[0] == 2
    assert client_with_role("operator").get("/api/budgets/check?service=other").json()["passes"] is None


def test_budgets_are_set_and_removed_by_who_may() -> None:
    form = {"name": "Mail", "scope": "service", "value": "mail", "amount": "10", "currency": "USD", "near_ratio": "0.8"}
    assert client_with_role("cost_viewer").post("/cost/budgets", form).status_code == 403
    client = client_with_role("administrator")
    assert client.post("/cost/budgets", form).status_code == 302
    assert "there is a budget" in client.post("/cost/budgets", form).content.decode()
    assert "must be a decimal" in client.post("/cost/budgets", {**form, "name": "x", "amount": "much"}).content.decode()
    assert "NAME=VALUE" in client.post("/cost/budgets", {**form, "name": "x", "scope": "tag"}).content.decode()
    page = client.get("/cost/budgets").content.decode()
    assert "not known" in page
    assert client.post(f"/cost/budgets/{Budget.objects.get().pk}/remove").status_code == 302
    assert not Budget.objects.exists()


def test_the_forecast_follows_the_bills_and_names_the_cause_of_an_odd_day() -> None:
    amounts = [10.0] * 70
    amounts[60] = 40.0
    import_bill(daily_bill(amounts, TODAY - timedelta(days=1)), file_name="a.csv", actor="user:ada")
    day = TODAY - timedelta(days=10)
    Deployment.objects.create(
        service=Service.objects.get(name="mail"),
        environment=Environment.objects.create(name="prod"),
        version="2.0",
        deployed_at=datetime(day.year, day.month, day.day, 8, tzinfo=UTC),
    )
    panel = forecast_panel(TODAY)
    assert panel.total == pytest.approx(300)
    (odd,) = panel.odd
    assert (odd.day, odd.service, odd.difference) == (day, "mail", pytest.approx(30))
    assert cause_words(odd) == "Machines (Hours) +30.00, by volume; deployed 2.0"


def test_the_forecast_page_opens_with_and_without_bills() -> None:
    client = client_with_role("cost_viewer")
    assert "No bill reaches into the last 150 days" in client.get("/cost/forecast").content.decode()
    billed(datetime.now(UTC).date() - timedelta(days=1))
    page = client.get("/cost/forecast").content.decode()
    assert "Error in the back-test" in page
    assert "Naive forecast" in page
