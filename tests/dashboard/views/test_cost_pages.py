"""The cost pages: charges behind a number, and allocation rules that are tried out before they hold."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from collectors.bills import import_bill
from dashboard.panels import day_sums
from dashboard.panels.allocated_cost import allocated_cost
from dashboard.panels.owned_costs import terms
from fleet.models import AllocationVersion, AuditEvent, Service, Team
from fleet.selectors.costs import counting_batches
from policies.documents.located import DocumentError
from telemetry.store import TelemetryStore
from telemetry.store.charge_days import ChargeDays
from telemetry.store.charges import ChargeTable
from tests.collectors.test_bills import bill
from tests.dashboard.people import client_with_role

pytestmark = pytest.mark.django_db

DAYS = "from=2024-09-01T00:00:00Z&to=2024-09-02T00:00:00Z"
RULES = """\
apiVersion: belvedere/v1
kind: AllocationPolicy
metadata: {name: shared}
spec:
  rules:
    - {name: rest, match: {service: [""]}, to: {service: platform}}
"""


@pytest.fixture(autouse=True)
def imported(store: TelemetryStore) -> None:
    table = ChargeTable(store)
    table.remove(list(table.batches()))
    ChargeDays(store).remove(list(ChargeDays(store).built()))
    body = bill(("6", "r1", '{"service": "mail"}'), ("3", "r2", ""), ("-1", "r3", '{"service": "web"}'))
    import_bill(body, file_name="september.csv", actor="user:ada")


@pytest.mark.parametrize(
    ("asked", "rows", "words"),
    [
        ("by=service&of=mail", 1, "$6.00 billed"),
        ("by=service&of=", 1, "Unallocated charges"),
        ("by=team&of=Post", 1, "Charges of team Post"),
        ("by=team&of=", 2, "Charges without team"),
        ("by=category&of=Compute", 3, "$8.00 billed"),
        ("by=environment&of=prod", 0, "No charge of a bill is behind this"),
        ("by=nonsense", 3, "All charges"),
    ],
)
def test_a_number_leads_to_its_charges(asked: str, rows: int, words: str) -> None:
    mail = Service.objects.get(name="mail")
    mail.team = Team.objects.create(name="Post")
    mail.save()
    page = client_with_role("cost_viewer").get(f"/cost/charges?{DAYS}&{asked}").content.decode()
    assert page.count("september.csv, ") == rows
    assert words in page


def test_a_bill_leads_to_all_its_charges_whatever_the_days() -> None:
    client = client_with_role("cost_viewer")
    page = client.get("/cost").content.decode()
    path = page.split('href="/cost/charges?by=bill&amp;')[1].split('"')[0]
    assert client.get(f"/cost/charges?by=bill&{path}").content.decode().count("september.csv, ") == 3
    assert "No such bill" in client.get("/cost/charges?by=bill&of=x").content.decode()


def test_sums_that_an_older_version_did_not_make_are_made_at_the_first_look(store: TelemetryStore) -> None:
    ChargeDays(store).remove(counting_batches())
    day_sums._whole.clear()
    assert allocated_cost(date(2024, 9, 1), date(2024, 9, 1)).totals == {"USD": (Decimal(8), Decimal(8))}
    assert set(ChargeDays(store).built()) == set(counting_batches())


def test_sums_that_were_made_twice_are_made_again(store: TelemetryStore) -> None:
    store.engine.command("INSERT INTO charge_days SELECT * FROM charge_days")
    day_sums._whole.clear()
    assert allocated_cost(date(2024, 9, 1), date(2024, 9, 1)).totals["USD"] == (Decimal(8), Decimal(8))


def test_rules_are_previewed_on_last_month_and_then_hold_from_their_day() -> None:
    client = client_with_role("administrator")
    today = datetime.now(UTC).date()
    last_month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    body = bill(("5", "r", "")).replace(b"2024-10-01", today.isoformat().encode())
    body = body.replace(b"2024-09-01", last_month.isoformat().encode())
    body = body.replace(b"2024-09-02", (last_month + timedelta(days=1)).isoformat().encode())
    import_bill(body, file_name="new.csv", actor="user:ada")
    form = {"document": RULES, "valid_from": last_month.isoformat()}
    page = client.post("/cost/allocation", {**form, "do": "preview"}).content.decode()
    assert '<th scope="row">platform</th>' in page
    assert not AllocationVersion.objects.exists()
    assert client.post("/cost/allocation", {**form, "do": "save"}).status_code == 302
    (row,) = allocated_cost(last_month, today).rows
    assert (row.service, row.billed_cost, row.rules) == ("platform", 5, ("rest",))
    assert {row.service for row in allocated_cost(date(2024, 9, 1), date(2024, 9, 1)).rows} == {"", "mail", "web"}
    assert AuditEvent.objects.filter(action="costs.allocation_added").count() == 1
    assert "platform" in client.get(f"/cost?from={last_month}T00:00:00Z&to={today}T00:00:00Z").content.decode()


def test_a_fault_of_the_rules_is_shown_with_its_place_and_nothing_is_saved() -> None:
    form = {"document": RULES.replace("to:", "two:"), "valid_from": "2026-01-01", "do": "save"}
    page = client_with_role("administrator").post("/cost/allocation", form).content.decode()
    assert "line 6, column" in page
    assert not AllocationVersion.objects.exists()


def test_only_who_manages_costs_changes_the_rules() -> None:
    client = client_with_role("cost_viewer")
    assert client.get("/cost/allocation").status_code == 200
    assert client.post("/cost/allocation", {"document": RULES, "valid_from": "2026-01-01"}).status_code == 403


def test_terms_cut_the_days_where_another_version_begins() -> None:
    for name, day in (("a", "2026-01-10"), ("b", "2026-01-20")):
        document = RULES.replace("shared", name)
        AllocationVersion.objects.create(name=name, document=document, valid_from=day, created_by="user:ada")
    month = date(2026, 1, 1), date(2026, 1, 31)
    found = [(term.first.day, term.last.day, term.policy and term.policy.name) for term in terms(*month)]
    assert found == [(1, 9, None), (10, 19, "a"), (20, 31, "b")]
    before = datetime(2020, 1, 1, tzinfo=UTC)
    assert [term.policy for term in terms(*month, at=before)] == [None]


def test_stored_rules_that_cannot_be_read_are_told_by_the_page() -> None:
    AllocationVersion.objects.create(document="kind: [", valid_from="2020-01-01", created_by="user:ada")
    with pytest.raises(DocumentError):
        allocated_cost(date(2024, 9, 1), date(2024, 9, 1))
    assert "Spend could not be read" in client_with_role("cost_viewer").get("/cost").content.decode()
