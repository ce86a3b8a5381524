"""`POST /api/costs` and `belvedere import costs`: whole or not at all, with every wrong value named."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from collectors.receivers.app import serving
from collectors.receivers.costs import push
from collectors.receivers.counters import REFUSED
from collectors.receivers.message import Received
from fleet.models import CostImport, Service
from fleet.tokens import Principal, authenticate, create_token
from telemetry.store import TelemetryStore
from telemetry.store.charges import ChargeTable

pytestmark = pytest.mark.django_db

HEADER = (
    "BilledCost,BillingAccountId,BillingAccountName,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargeCategory,"
    "ChargeClass,ChargeDescription,ChargePeriodStart,ChargePeriodEnd,ContractedCost,EffectiveCost,InvoiceIssuerName,"
    "ListCost,PricingQuantity,PricingUnit,ProviderName,PublisherName,ServiceCategory,ServiceName,x_service\n"
)
ROW = "{cost},a,M,USD,2024-09-01,2024-10-01,Usage,,,2024-09-01,2024-09-02,1,1,I,1,1,H,P,P,Compute,VM,\n"
BILL = (HEADER + ROW.format(cost="1.50") + ROW.format(cost="2")).encode()


@pytest.fixture(autouse=True)
def charges(store: TelemetryStore) -> ChargeTable:
    table = ChargeTable(store)
    table.remove(list(table.batches()))
    return table


def principal(**options: Any) -> Principal:
    _, text = create_token(name="ci", scopes=["ingest:costs"], actor="user:ada", **options)
    found = authenticate(f"Bearer {text}")
    assert found
    return found


def post(
    body: bytes, *, encoding: str = "", sender: Principal | None = None, **query: str
) -> tuple[int, dict[str, Any]]:
    reply = push(Received("/api/costs", query, "text/csv", encoding, body, sender or principal(), 0))
    return reply.status, json.loads(reply.body)


def test_the_route_needs_the_scope_for_costs() -> None:
    receiver = serving({"type": "http", "method": "POST", "path": "/api/costs"})
    assert receiver
    assert (receiver.scope, receiver.handle) == ("ingest:costs", push)


@pytest.mark.parametrize(("body", "encoding"), [(BILL, ""), (gzip.compress(BILL), "gzip"), (gzip.compress(BILL), "")])
def test_a_pushed_bill_is_imported_once(body: bytes, encoding: str) -> None:
    status, answer = post(body, encoding=encoding, file="september.csv")
    assert status == 201
    assert (answer["charges"], answer["billed_cost"], answer["currency"]) == (2, "3.5", "USD")
    assert (answer["new"], answer["services"], answer["unallocated_charges"]) == (True, 0, 2)
    assert answer["period_end"] == "2024-09-02T00:00:00+00:00"
    status, again = post(BILL)
    assert (status, again["new"], again["batch"]) == (200, False, answer["batch"])
    assert [row.file_name for row in CostImport.objects.all()] == ["september.csv"]


def test_every_wrong_value_is_in_the_answer() -> None:
    counter = REFUSED.labels("costs", "invalid")
    before = counter._value.get()
    status, answer = post(BILL + ROW.format(cost="many").encode())
    assert status == 400
    assert counter._value.get() == before + 1
    assert answer["error"].startswith("row 4, BilledCost 'many': is not a number")
    assert answer["errors"] == [
        {"row": 4, "column": "BilledCost", "value": "many", "reason": "is not a number such as 12.5 or 35.2E-7"}
    ]
    assert answer["error_count"] == 1
    assert not CostImport.objects.exists()


def test_a_bound_token_gives_everything_to_its_service(charges: ChargeTable) -> None:
    mail = Service.objects.create(name="mail")
    post(BILL, sender=principal(service=mail))
    assert {group.service for group in charges.groups(list(charges.batches()), 0, 2**32)} == {"mail"}


def test_what_a_simulated_token_sends_is_simulated() -> None:
    post(BILL, sender=principal(simulated=True))
    assert CostImport.objects.get().simulated


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("import", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_imports_a_file_and_says_what_it_was(tmp_path: Path) -> None:
    file = tmp_path / "bill.csv.gz"
    file.write_bytes(gzip.compress(BILL))
    assert run("costs", str(file)) == "2 charges of 3.5 USD imported for 0 services; 2 charges name no service.\n"
    assert run("costs", str(file)).startswith("Nothing imported: the same bill was imported on ")


def test_the_command_names_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "bill.csv"
    file.write_bytes(BILL.replace(b"USD", b"dollar"))
    with pytest.raises(CommandError, match=r"row 2, BillingCurrency 'dollar': .*\(and 1 more\); nothing was imported"):
        run("costs", str(file))
    with pytest.raises(CommandError, match="No such file"):
        run("costs", str(tmp_path / "none.csv"))
