"""Spend by service, team and environment adds up to the bill to the cent, and what has no owner is shown."""

import csv
import io
import math
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plotly import graph_objects

from collectors.bills import import_bill
from dashboard.panels.cost import CostPanel, cost_panel
from dashboard.panels.cost_ledger import Ledger, group_rows, service_rows, sum_of
from dashboard.panels.time_range import PageRange
from dashboard.templatetags.formats import exact_money
from fleet.models import PriceSheet, Service, Team
from policies.costs.exact import exact_sum, rounded_to_cents
from policies.costs.spend import SpendLine
from policies.costs.spread import first_second
from telemetry.store import TelemetryStore
from telemetry.store.charges import ChargeTable
from tests.series import write_series

FIRST = date(2026, 3, 1)
START, DAY, MINUTE = first_second(FIRST) * 1000, 86_400_000, 60_000
COLUMNS = [
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodStart", "ChargePeriodEnd", "ContractedCost",
    "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName",
    "ServiceCategory", "ServiceName", "Tags",
]  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_charges(store: TelemetryStore) -> None:
    table = ChargeTable(store)
    table.remove(list(table.batches()))


def bill(*charges: tuple[str, str], days: int = 1, currency: str = "USD") -> bytes:
    """FOCUS file of (billed cost, tags) whose charges cover the first `days` of March."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    end = FIRST + timedelta(days=days)
    for cost, tags in charges:
        writer.writerow([
            cost, "a", "", currency, FIRST, "2026-04-01", "Usage", "", "", FIRST, end, "1", cost, "I", "1", "1", "h",
            "P", "P", "Compute", "Machines", tags,
        ])  # fmt: skip
    return text.getvalue().encode()


def panel(days: int = 10, **options: object) -> CostPanel:
    return cost_panel(PageRange("", "", START, START + days * DAY), now_ms=START + 20 * DAY, **options)  # type: ignore[arg-type]


def gauge(value: float) -> list[tuple[int, float]]:
    return [(START + minutes * MINUTE, value) for minutes in range(24 * 60 + 1)]


def test_spend_is_shown_by_service_team_and_environment_with_the_rest_unallocated() -> None:
    Service.objects.create(name="mail", team=Team.objects.create(name="Post"))
    tags = '{"service": "mail", "env": "prod"}'
    import_bill(bill(("6", tags), ("1", '{"service": "web"}'), ("3", "")), file_name="a", actor="user:ada")
    shown = panel()
    assert (shown.spend, shown.billed_cost, shown.currency, shown.spend_cents) == (10, 10, "USD", 10)
    assert [(row.name, row.spend, row.team, row.source, row.known) for row in shown.services] == [
        ("mail", 6, "Post", "bill", True),
        ("Unallocated", 3, "", "bill", False),
        ("web", 1, "", "bill", True),
    ]
    assert [(row.name, row.spend) for row in shown.teams] == [("Post", 6), ("No team", 4)]
    assert [(row.name, row.spend) for row in shown.environments] == [("prod", 6), ("No environment", 4)]
    assert (shown.unallocated_cost, shown.allocated_ratio) == (3, pytest.approx(0.7))
    assert shown.services[0].share_ratio == pytest.approx(0.6)


def test_a_charge_of_ten_days_shows_its_part_of_the_chosen_days() -> None:
    import_bill(bill(("10", '{"service": "mail"}'), days=10), file_name="a", actor="user:ada")
    shown = panel(days=3)
    assert shown.spend == 3
    assert shown.services[0].trend == [1, 1, 1]
    assert shown.spend_per_day == 1
    assert panel(days=10).spend == 10


def test_days_that_no_bill_reaches_are_gaps_and_not_free() -> None:
    import_bill(bill(("4", '{"service": "mail"}'), days=2), file_name="a", actor="user:ada")
    assert panel(days=3).services[0].trend == [2, 2, pytest.approx(math.nan, nan_ok=True)]


@pytest.mark.parametrize(("currency", "words"), [("USD", "$12,804.07"), ("EUR", "12,804.07 EUR")])
def test_money_that_adds_up_is_written_to_the_cent(currency: str, words: str) -> None:
    assert exact_money(Decimal("12804.0684"), currency) == words


def test_a_credit_has_its_sign_before_the_currency_and_decimal_text_is_read() -> None:
    assert exact_money(Decimal("-454.69")) == "-$454.69"
    assert exact_money("-3.5") == "-$3.50"
    assert exact_money("") == "–"  # noqa: RUF001 - the sign for "nothing is known"


def test_a_service_without_a_bill_is_estimated_from_what_it_used(store: TelemetryStore) -> None:
    write_series(store, ("process_resident_memory_bytes", {"job": "mail"}, gauge(2**30)))
    shown = panel(days=1)
    assert [(row.name, row.source) for row in shown.services] == [("mail", "estimate")]
    assert shown.spend == pytest.approx(Decimal("0.12"), rel=Decimal("0.01"))
    assert (shown.billed_cost, shown.allocated_ratio) == (None, None)
    assert shown.estimated_cost == shown.spend
    assert shown.has_example_prices


def test_a_bill_wins_over_the_estimate_and_both_are_shown(store: TelemetryStore) -> None:
    PriceSheet.objects.create(name="ours", valid_from="2026-01-01", prices={"gib_hour": "1"})
    write_series(store, ("process_resident_memory_bytes", {"job": "mail"}, gauge(2**30)))
    import_bill(bill(("20", '{"service": "mail"}')), file_name="a", actor="user:ada")
    shown = panel(days=1)
    (row,) = shown.services
    assert (row.spend, row.source) == (20, "bill")
    assert row.estimated_cost == pytest.approx(24, rel=0.01)
    assert (shown.spend, shown.has_example_prices) == (20, False)


def test_use_without_a_price_is_told(store: TelemetryStore) -> None:
    PriceSheet.objects.create(name="ours", valid_from="2026-01-01", prices={"vcpu_hour": "1"})
    write_series(store, ("process_resident_memory_bytes", {"job": "mail"}, gauge(2**30)))
    shown = panel(days=1)
    assert (shown.is_empty, shown.unpriced_units) == (True, ("gib_hour",))


def test_a_price_sheet_that_cannot_be_used_is_named() -> None:
    PriceSheet.objects.create(name="ours", valid_from="2026-01-01", prices={"vcpu_hour": "cheap"})
    assert panel().error == (
        "price sheet 'ours' from 2026-01-01: the price of vcpu_hour must be a decimal such as 0.04, not 'cheap'"
    )


def test_simulated_spend_is_kept_apart() -> None:
    import_bill(bill(("5", ""), ("1", '{"service": "toy"}')), file_name="a", actor="token:demo", simulated=True)
    import_bill(bill(("2", "")), file_name="b", actor="user:ada")
    shown = panel()
    assert [(row.name, row.spend, row.simulated) for row in shown.services] == [
        ("Unallocated", 5, True),
        ("Unallocated", 2, False),
        ("toy", 1, True),
    ]
    assert shown.simulated_spend == 6
    assert panel(fleet="real").spend == 2
    assert panel(fleet="simulated").spend == 6


def test_currencies_are_never_added_up() -> None:
    import_bill(bill(("5", "")), file_name="a", actor="user:ada")
    import_bill(bill(("7", ""), ("1", ""), currency="EUR"), file_name="b", actor="user:ada")
    shown = panel()
    assert (shown.currency, shown.spend, shown.other_currencies) == ("EUR", 8, [("USD", 5)])


def test_only_the_services_that_somebody_may_see_are_counted() -> None:
    import_bill(bill(("5", '{"service": "mail"}'), ("1", '{"service": "web"}')), file_name="a", actor="user:ada")
    shown = panel(only_services={"web"})
    assert [row.name for row in shown.services] == ["web"]
    assert shown.spend == 1


def test_figures_are_valid_and_hold_the_daily_spend() -> None:
    charges = [(str(number + 1), f'{{"service": "s{number:02}"}}') for number in range(12)]
    import_bill(bill(*charges, days=2), file_name="a", actor="user:ada")
    shown = panel(days=2)
    assert shown.daily_figure
    figure = graph_objects.Figure(shown.daily_figure)
    assert [trace.name for trace in figure.data] == ["s11", "s10", "s09", "s08", "s07", "s06", "s05", "5 others"]
    assert list(figure.data[0].y) == [6, 6]
    assert graph_objects.Figure(shown.team_figure).data


def test_nothing_is_an_empty_panel_without_error() -> None:
    shown = panel()
    assert (shown.is_empty, shown.spend, shown.error, shown.billed_cost) == (True, 0, "", None)


amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=18)
lines = st.builds(
    SpendLine,
    day=st.integers(0, 4).map(lambda days: FIRST + timedelta(days=days)),
    service=st.sampled_from(["", "mail", "web", "db"]),
    environment=st.sampled_from(["", "production"]),
    category=st.sampled_from(["Compute", "Storage"]),
    currency=st.just("USD"),
    billed_cost=amounts,
    effective_cost=amounts,
    simulated=st.booleans(),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(billed=st.lists(lines, max_size=30), estimate=st.lists(lines, max_size=10))
def test_every_table_adds_up_to_the_spend_exactly_and_in_cents(
    billed: list[SpendLine], estimate: list[SpendLine]
) -> None:
    ledger = Ledger(tuple(FIRST + timedelta(days=day) for day in range(5)), "USD", billed, estimate, {})
    whole = sum_of(ledger.spend)
    tables = [
        service_rows(ledger),
        group_rows(ledger, lambda line: line.environment, "none"),
        group_rows(ledger, lambda line: line.category, "none"),
        group_rows(ledger, lambda line: "team" if line.service == "mail" else "", "none"),
    ]
    for rows in tables:
        assert exact_sum(row.spend for row in rows) == whole
        assert [exact_sum(row.cents for row in rows)] == rounded_to_cents([whole])
