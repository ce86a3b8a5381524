"""Price sheets are added in versions and refused with the unit and the value."""

import pytest

from fleet.models import AuditEvent, PriceSheet
from policies.costs.sheets import price_lists
from telemetry.store import TelemetryStore
from tests.dashboard.people import client_with_role

pytestmark = pytest.mark.django_db
FORM = {"name": "ours", "valid_from": "2026-01-01", "currency": "EUR", "vcpu_hour": "0.0416"}


@pytest.fixture(autouse=True)
def opened(store: TelemetryStore) -> None:
    """Pages show how fresh the store is."""


def test_a_version_holds_and_goes_with_its_audit_events() -> None:
    client = client_with_role("administrator")
    assert client.post("/settings/prices", FORM).status_code == 302
    sheet = PriceSheet.objects.get()
    assert (sheet.currency, sheet.prices) == ("EUR", {"vcpu_hour": "0.0416"})
    assert any(prices.name == "ours" for prices in price_lists())
    assert "there is a version" in client.post("/settings/prices", FORM).content.decode()
    assert client.post(f"/settings/prices/{sheet.pk}/remove").status_code == 302
    assert not PriceSheet.objects.exists()
    assert {event.action for event in AuditEvent.objects.filter(object_type="price_sheet")} == {
        "costs.prices_added",
        "costs.prices_removed",
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vcpu_hour": "cheap"}, "the price of vcpu_hour must be a decimal"),
        ({"vcpu_hour": "-1"}, "not negative"),
        ({"vcpu_hour": ""}, "needs one price at least"),
        ({"currency": "euro"}, "Enter a valid value"),
    ],
)
def test_a_wrong_price_is_named_and_nothing_is_kept(change: dict[str, str], words: str) -> None:
    assert words in client_with_role("administrator").post("/settings/prices", {**FORM, **change}).content.decode()
    assert not PriceSheet.objects.exists()


def test_prices_are_changed_by_who_manages_costs() -> None:
    client = client_with_role("operator")
    assert "Example" in client.get("/settings/prices").content.decode().title()
    assert client.post("/settings/prices", FORM).status_code == 403
