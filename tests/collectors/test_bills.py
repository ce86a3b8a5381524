"""A bill counts whole or not at all, once, and every charge has an owner or says that it has none."""

import csv
import gzip
import io
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest
from django.db import DatabaseError

from collectors import bills
from collectors.bill_owners import MAX_SERVICES
from collectors.bills import import_bill, remove_bills, sweep_unfinished
from collectors.wire.focus import FocusRefused, text_table
from fleet.actions.mapping import add_rule
from fleet.models import AuditEvent, CostImport, Service
from fleet.selectors.costs import counting_batches
from telemetry.model.charges import ChargeGroup
from telemetry.model.errors import LimitExceeded
from telemetry.store import TelemetryStore
from telemetry.store.charges import ChargeTable

pytestmark = pytest.mark.django_db

HEADER = (
    "BilledCost,BillingAccountId,BillingAccountName,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargeCategory,"
    "ChargeClass,ChargeDescription,ChargePeriodStart,ChargePeriodEnd,ContractedCost,EffectiveCost,InvoiceIssuerName,"
    "ListCost,PricingQuantity,PricingUnit,ProviderName,PublisherName,ServiceCategory,ServiceName,ResourceId,Tags\n"
)
SAMPLE = (
    Path(__file__).resolve().parents[2].parent / "shared" / "data" / "cost" / "focus-1.0-sample" / "focus_sample.csv"
)


def bill(*charges: tuple[str, str, str], currency: str = "USD") -> bytes:
    """A FOCUS file of (billed cost, resource, tags as JSON)."""
    text = io.StringIO()
    for cost, resource, tags in charges:
        row = (
            f"{cost},a,Main,{currency},2024-09-01,2024-10-01,Usage,,,2024-09-01,2024-09-02,1,{cost},I,1,1,Hours,P,P,"
            f"Compute,Machines,{resource},"
        ).split(",")
        csv.writer(text, lineterminator="\n").writerow([*row[:-1], tags])
    return (HEADER + text.getvalue()).encode()


@pytest.fixture
def charges(store: TelemetryStore) -> ChargeTable:
    table = ChargeTable(store)
    table.remove(list(table.batches()))
    return table


def groups(charges: ChargeTable) -> list[ChargeGroup]:
    return charges.groups(counting_batches(), 0, 2**32)


def test_tags_name_service_and_environment_and_the_rest_is_unallocated(charges: ChargeTable) -> None:
    body = bill(
        ("1.5", "r1", '{"service": "checkout", "env": "prod"}'),
        ("2", "r2", '{" application": "search"}'),
        ("4", "r3", '{"team": "x", "cost": 5}'),
        ("8", "r4", ""),
    )
    imported = import_bill(body, file_name="september.csv", actor="user:ada")
    assert {(group.service, group.environment): group.billed_cost for group in groups(charges)} == {
        ("checkout", "prod"): Decimal("1.5"),
        ("search", ""): 2,
        ("", ""): 12,
    }
    assert (imported.new, imported.services, imported.unallocated) == (True, 2, 2)
    assert imported.billed_cost == {"USD": Decimal("15.5")}
    assert set(Service.objects.values_list("name", flat=True)) == {"checkout", "search"}


def test_a_bill_is_kept_with_its_sum_and_period_and_leaves_a_trace(charges: ChargeTable) -> None:
    row = import_bill(bill(("1.5", "r", ""), ("-0.5", "r", "")), file_name="a.csv", actor="user:ada").bill
    assert (row.rows, Decimal(row.billed_cost), row.currency, row.simulated) == (2, 1, "USD", False)
    assert (row.period_start, row.period_end) == (datetime(2024, 9, 1, tzinfo=UTC), datetime(2024, 9, 2, tzinfo=UTC))
    event = AuditEvent.objects.get()
    assert (event.actor, event.action, event.object_id) == ("user:ada", "costs.imported", row.batch.hex)


def test_mapping_rules_see_tags_and_columns_of_the_bill(charges: ChargeTable) -> None:
    add_rule(label="ResourceId", pattern="vm-(.+)-[0-9]+", service_name=r"\1", signal="costs", actor="user:ada")
    add_rule(label="team", pattern="(.+)", service_name=r"\1-shared", signal="costs", actor="user:ada")
    body = bill(("1", "vm-mail-7", '{"service": "x"}'), ("2", "lb", '{"team": "web"}'))
    import_bill(body, file_name="a.csv", actor="user:ada")
    assert {group.service for group in groups(charges)} == {"mail", "web-shared"}


def test_the_same_file_is_not_counted_twice_packed_or_not(charges: ChargeTable) -> None:
    body = bill(("1", "r", ""))
    first = import_bill(body, file_name="a.csv", actor="user:ada")
    again = [import_bill(content, file_name="b.csv", actor="user:eve") for content in (body, gzip.compress(body))]
    assert [(result.new, result.bill.pk) for result in again] == [(False, first.bill.pk)] * 2
    assert [group.billed_cost for group in groups(charges)] == [1]
    assert AuditEvent.objects.count() == 1


def test_two_imports_of_one_file_at_once_count_once(charges: ChargeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    body = bill(("1", "r", ""))
    first = import_bill(body, file_name="a.csv", actor="user:ada")
    monkeypatch.setattr(bills, "bill_with", lambda sha256: None)
    second = import_bill(body, file_name="a.csv", actor="user:eve")
    assert (second.new, second.bill) == (False, first.bill)
    assert list(charges.batches()) == [f"{first.bill.batch.hex}-0"]


def test_a_broken_bill_leaves_nothing(charges: ChargeTable) -> None:
    with pytest.raises(FocusRefused, match="row 3, BilledCost 'x'"):
        import_bill(bill(("1", "r", ""), ("x", "r", "")), file_name="a.csv", actor="user:ada")
    assert charges.batches() == {}
    assert not CostImport.objects.exists()


def test_charges_without_their_row_in_the_database_do_not_count_and_are_swept_later(
    charges: ChargeTable, monkeypatch: pytest.MonkeyPatch, store: TelemetryStore
) -> None:
    def fail(**_: object) -> None:
        raise DatabaseError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(bills, "record_bill", fail)
        with pytest.raises(DatabaseError):
            import_bill(bill(("1", "r", "")), file_name="a.csv", actor="user:ada")
    assert len(charges.batches()) == 1
    assert groups(charges) == []
    assert sweep_unfinished() == 0
    store.engine.command("ALTER TABLE charges UPDATE written_at = now() - 90000 WHERE 1", None, {"mutations_sync": 2})
    kept = import_bill(bill(("1", "r", "")), file_name="a.csv", actor="user:ada").bill
    assert sweep_unfinished() == 1
    assert list(charges.batches()) == [f"{kept.batch.hex}-0"]


def test_a_withdrawn_bill_may_be_imported_again(charges: ChargeTable) -> None:
    first = import_bill(bill(("1", "r", "")), file_name="a.csv", actor="user:ada")
    assert remove_bills([first.bill], actor="user:ada") == 1
    assert import_bill(bill(("1", "r", "")), file_name="a.csv", actor="user:ada").new


def test_a_corrected_file_of_the_same_period_replaces_the_earlier_one_exactly_once(charges: ChargeTable) -> None:
    import_bill(bill(("10", "r", ""), ("3", "r", "")), file_name="a.csv", actor="user:ada")
    euros = import_bill(bill(("7", "r", ""), currency="EUR"), file_name="eur.csv", actor="user:ada")
    corrected = bill(("11", "r", ""), ("-1", "r", ""))
    second = import_bill(corrected, file_name="b.csv", actor="user:ada")
    again = import_bill(corrected, file_name="c.csv", actor="user:ada")
    assert (euros.replaced, second.replaced, again.new) == (0, 1, False)
    assert sorted((group.currency, group.billed_cost) for group in groups(charges)) == [("EUR", 7), ("USD", 10)]


def test_a_file_may_be_added_to_the_earlier_ones(charges: ChargeTable) -> None:
    import_bill(bill(("10", "r", "")), file_name="a.csv", actor="user:ada")
    import_bill(bill(("3", "r", "")), file_name="b.csv", actor="user:ada", replace=False)
    assert [group.billed_cost for group in groups(charges)] == [13]


def test_what_a_withdrawn_file_replaced_counts_again(charges: ChargeTable) -> None:
    import_bill(bill(("10", "r", "")), file_name="a.csv", actor="user:ada")
    second = import_bill(bill(("12", "r", "")), file_name="b.csv", actor="user:ada")
    remove_bills([second.bill], actor="user:ada")
    assert [group.billed_cost for group in groups(charges)] == [10]


def test_what_counted_at_an_earlier_time_is_still_known(charges: ChargeTable) -> None:
    first = import_bill(bill(("10", "r", "")), file_name="a.csv", actor="user:ada")
    import_bill(bill(("12", "r", "")), file_name="b.csv", actor="user:ada")
    assert sweep_unfinished() == 0
    then = charges.groups(counting_batches(at=first.bill.imported_at), 0, 2**32)
    assert [group.billed_cost for group in then] == [10]


def test_a_simulated_bill_replaces_no_real_one(charges: ChargeTable) -> None:
    import_bill(bill(("10", "r", "")), file_name="a.csv", actor="user:ada")
    assert import_bill(bill(("12", "r", "")), file_name="b.csv", actor="token:demo", simulated=True).replaced == 0


def test_parquet_says_the_same_as_csv(charges: ChargeTable) -> None:
    body = bill(("1.5", "r1", '{"service": "checkout", "env": "prod"}'), ("-0.25", "r2", ""))
    table = arrow_csv.read_csv(io.BytesIO(body))
    index = table.column_names.index("BilledCost")
    costs = pa.array([Decimal("1.5"), Decimal("-0.25")], pa.decimal128(20, 6))
    table = table.set_column(index, "BilledCost", costs)
    tags = pa.array([[("service", "checkout"), ("env", "prod")], None], pa.map_(pa.string(), pa.string()))
    table = table.set_column(table.column_names.index("Tags"), "Tags", tags)
    packed = io.BytesIO()
    pq.write_table(table, packed)
    imported = import_bill(packed.getvalue(), file_name="a.parquet", actor="user:ada")
    assert imported.billed_cost == {"USD": Decimal("1.25")}
    assert {(g.service, g.environment): g.billed_cost for g in groups(charges)} == {
        ("checkout", "prod"): Decimal("1.5"),
        ("", ""): Decimal("-0.25"),
    }


def test_broken_parquet_is_refused(charges: ChargeTable) -> None:
    with pytest.raises(FocusRefused, match="broken Parquet"):
        import_bill(b"PAR1 and then nothing of sense PAR1", file_name="a.parquet", actor="user:ada")


def test_a_large_file_is_read_in_blocks_and_refused_whole(
    charges: ChargeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_table, "_BLOCK", 2000)
    rows = [(str(n), f"r{n}", "") for n in range(200)]
    told: list[int] = []
    imported = import_bill(bill(*rows), file_name="a.csv", actor="user:ada", progress=told.append)
    assert (imported.bill.rows, imported.billed_cost, told[-1]) == (200, {"USD": 19900}, 200)
    assert len(told) > 5
    with pytest.raises(FocusRefused, match="row 202, BilledCost 'x'"):
        import_bill(bill(*rows, ("x", "r", "")), file_name="b.csv", actor="user:ada")
    assert sum(charges.batches().values()) == 200


def test_sums_of_several_currencies_stay_apart(charges: ChargeTable) -> None:
    body = bill(("1", "r", "")) + bill(("2", "r", ""), currency="EUR").removeprefix(HEADER.encode())
    imported = import_bill(body, file_name="a.csv", actor="user:ada")
    assert imported.billed_cost == {"EUR": 2, "USD": 1}
    assert (imported.bill.currency, imported.bill.billed_cost) == ("EUR,USD", "")


def test_a_tag_with_thousands_of_values_is_not_taken_for_the_service(charges: ChargeTable) -> None:
    body = bill(*(("1", "r", f'{{"service": "s{number}"}}') for number in range(MAX_SERVICES + 1)))
    with pytest.raises(LimitExceeded, match="the bill names 2001 services, over the limit of 2000"):
        import_bill(body, file_name="a.csv", actor="user:ada")
    assert not Service.objects.exists()


@pytest.mark.skipif(not SAMPLE.exists(), reason="the real FOCUS sample is not on this machine")
def test_the_real_sample_counts_to_the_last_digit(charges: ChargeTable) -> None:
    imported = import_bill(SAMPLE.read_bytes(), file_name=SAMPLE.name, actor="user:ada")
    with SAMPLE.open() as lines:
        expected = sum(Decimal(row["BilledCost"]) for row in csv.DictReader(lines))
    assert imported.billed_cost == {"USD": expected}
    assert sum(group.billed_cost for group in groups(charges)) == expected
    assert imported.services > 50
    assert 289 <= imported.unallocated < 1000
