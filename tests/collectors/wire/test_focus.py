"""FOCUS bills are read exactly or refused whole, with row, column and value of what is wrong."""

import contextlib
import csv
import gzip
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.wire.focus import FocusRefused, decode_focus
from collectors.wire.focus.columns import MANDATORY
from collectors.wire.limits import DecodeLimits
from telemetry.model.charges import ChargeBatch
from telemetry.model.errors import InvalidInput, LimitExceeded

SAMPLE = (
    Path(__file__).resolve().parents[3].parent / "shared" / "data" / "cost" / "focus-1.0-sample" / "focus_sample.csv"
)

ROW = {
    "BilledCost": "1.25", "BillingAccountId": "a-1", "BillingAccountName": "Main", "BillingCurrency": "USD",
    "BillingPeriodStart": "2024-09-01T00:00:00Z", "BillingPeriodEnd": "2024-10-01T00:00:00Z",
    "ChargeCategory": "Usage", "ChargeClass": "NULL", "ChargeDescription": "a machine",
    "ChargePeriodStart": "2024-09-01T00:00:00Z", "ChargePeriodEnd": "2024-09-02T00:00:00Z",
    "ContractedCost": "1.25", "EffectiveCost": "1.00", "InvoiceIssuerName": "Cloud", "ListCost": "1.5",
    "PricingQuantity": "24", "PricingUnit": "Hours", "ProviderName": "Cloud", "PublisherName": "Cloud",
    "ServiceCategory": "Compute", "ServiceName": "Machines", "Tags": '{"service": "checkout"}',
}  # fmt: skip


def bill(*changes: dict[str, str], without: str = "") -> bytes:
    columns = [
        name for name in dict.fromkeys([*ROW, *(key for change in changes for key in change)]) if name != without
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({**ROW, **change} for change in changes or [{}])
    return text.getvalue().encode()


def decode(body: bytes, *, max_charges: int = 10_000, max_decoded_bytes: int = 10**7) -> ChargeBatch:
    return decode_focus(body, DecodeLimits(max_decoded_bytes=max_decoded_bytes), max_charges=max_charges)


def only_row(body: bytes) -> dict[str, object]:
    (row,) = decode(body).table.to_pylist()
    return row


def refusal(body: bytes) -> FocusRefused:
    with pytest.raises(FocusRefused) as caught:
        decode(body)
    return caught.value


@pytest.mark.skipif(not SAMPLE.exists(), reason="the real FOCUS sample is not on this machine")
def test_the_real_sample_of_a_thousand_charges_sums_exactly() -> None:
    body = SAMPLE.read_bytes()
    batch = decode(body)
    expected = sum(Decimal(row["BilledCost"]) for row in csv.DictReader(io.StringIO(body.decode())))
    assert len(batch) == 1000
    assert sum(batch.table["billed_cost"].to_pylist()) == expected
    assert batch.notices == ("ContractedCost is empty in 7 of 1000 rows, which FOCUS does not allow",)
    assert min(batch.table["billed_cost"].to_pylist()) < 0
    assert '"application"' in batch.table["tags"].to_pylist()[1]


def test_a_row_becomes_columns_with_exact_amounts() -> None:
    row = only_row(bill())
    assert row["row"] == 2
    assert (row["billed_cost"], row["effective_cost"], row["list_cost"]) == (Decimal("1.25"), 1, Decimal("1.5"))
    assert str(row["charge_period_end"]) == "2024-09-02 00:00:00+00:00"
    assert row["charge_class"] == ""
    assert json.loads(str(row["tags"])) == {"service": "checkout"}


def test_columns_without_a_place_are_kept_with_their_names() -> None:
    row = only_row(bill({"x_Project": "apollo", "SkuPriceId": "s.1", "x_Empty": "NULL"}))
    assert json.loads(str(row["extra"])) == {
        "BillingAccountName": "Main", "InvoiceIssuerName": "Cloud", "PublisherName": "Cloud",
        "x_Project": "apollo", "SkuPriceId": "s.1",
    }  # fmt: skip


@pytest.mark.parametrize("word", ["NULL", "null", ""])
def test_null_is_read_in_every_spelling(word: str) -> None:
    row = only_row(bill({"PricingQuantity": word, "Tags": word, "ChargeDescription": word}))
    assert (row["pricing_quantity"], row["tags"], row["charge_description"]) == (None, "", "")


@pytest.mark.parametrize(
    "text", ["2024-09-01 00:00:00", "2024-09-01T00:00:00", "2024-09-01", "2024-09-01T02:00:00+02:00"]
)
def test_times_without_offset_are_utc(text: str) -> None:
    assert str(only_row(bill({"ChargePeriodStart": text}))["charge_period_start"]) == "2024-09-01 00:00:00+00:00"


def test_credits_are_negative_and_kept() -> None:
    row = only_row(bill({"ChargeCategory": "Credit", "BilledCost": "-35.2E-7", "EffectiveCost": "-0.0"}))
    assert (row["billed_cost"], row["effective_cost"]) == (Decimal("-0.00000352"), 0)


def test_amounts_beyond_eighteen_places_are_rounded_and_told() -> None:
    batch = decode(bill({"BilledCost": "1.3999999999999999999E-5"}))
    assert batch.table["billed_cost"].to_pylist() == [Decimal("0.000014000000000000")]
    assert batch.notices == ("BilledCost has 1 values with more than 18 decimal places; they were rounded to 18",)


@pytest.mark.parametrize("column", MANDATORY)
def test_a_missing_mandatory_column_is_named(column: str) -> None:
    assert column in str(refusal(bill(without=column)))


def test_the_names_of_focus_1_3_stand_for_provider_and_publisher() -> None:
    body = bill().replace(b"ProviderName", b"ServiceProviderName").replace(b"PublisherName", b"HostProviderName")
    assert len(decode(body)) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"BilledCost": "1,000"}, "row 3, BilledCost '1,000': is not a number such as 12.5 or 35.2E-7"),
        ({"BilledCost": "$5"}, "row 3, BilledCost '$5': is not a number such as 12.5 or 35.2E-7"),
        ({"BilledCost": "NaN"}, "row 3, BilledCost 'NaN': is not a finite number"),
        ({"BilledCost": "12345678901234567890123.1"}, "has more than 20 digits before the point"),
        ({"BilledCost": "NULL"}, "row 3, BilledCost: is empty"),
        ({"BillingCurrency": "usd"}, "row 3, BillingCurrency 'usd': is not a currency code of ISO 4217, such as USD"),
        ({"ChargeCategory": "Rent"}, "row 3, ChargeCategory 'Rent': is not one of Adjustment, Credit"),
        ({"ChargePeriodStart": "31.8.2024"}, "row 3, ChargePeriodStart '31.8.2024': is not a date and time"),
        ({"ChargePeriodStart": "1960-01-01"}, "is outside 1970 to 2105"),
        ({"ChargePeriodEnd": "2024-09-01T00:00:00Z"}, "is not after ChargePeriodStart '2024-09-01T00:00:00Z'"),
        ({"Tags": "service=checkout"}, "row 3, Tags 'service=checkout': is not JSON"),
        ({"Tags": "[1]"}, "row 3, Tags '[1]': is not a JSON object"),
    ],
)
def test_a_wrong_value_is_named_by_row_and_column(change: dict[str, str], message: str) -> None:
    assert message in str(refusal(bill({}, change)))


def test_every_wrong_value_is_listed_and_counted() -> None:
    error = refusal(bill(*[{"BilledCost": "x", "Tags": "y"}] * 60))
    assert error.error_count == 120
    assert len(error.errors) == 50
    assert (error.errors[0].row, error.errors[0].column, error.errors[0].value) == (2, "BilledCost", "x")
    assert str(error).endswith("(and 119 more); nothing was imported")


def test_a_row_with_too_few_columns_is_named() -> None:
    error = refusal(bill({}, {}) + b"1.5,only\n")
    assert str(error) == "row 4: has 2 columns, the header has 22; nothing was imported"


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_file_that_was_cut_off_is_refused(kept: float) -> None:
    body = bill(*[{}] * 20)
    refusal(body[: int(len(body) * kept)])
    packed = gzip.compress(body)
    with pytest.raises(InvalidInput, match="ends too early"):
        decode(packed[: int(len(packed) * kept)])


@pytest.mark.parametrize("body", [b"", b"\n", b"\xff\xfe\x00", bill().split(b"\n")[0] + b"\n", b"a,b\n1,2\n"])
def test_what_is_no_bill_is_refused(body: bytes) -> None:
    refusal(body)


def test_a_column_that_stands_twice_is_refused() -> None:
    assert "stand in the header twice: tags" in str(refusal(bill().replace(b"PublisherName,", b"PublisherName,tags,")))


def test_gzip_in_several_members_is_read_as_one_file() -> None:
    body = bill({}, {"BilledCost": "2"})
    assert len(decode(gzip.compress(body[:50]) + gzip.compress(body[50:]))) == 2


def test_a_gzip_bomb_is_refused_by_its_unpacked_size() -> None:
    with pytest.raises(LimitExceeded, match="over the limit of 1,000,000"):
        decode(gzip.compress(b"a" * 10**8), max_decoded_bytes=10**6)


def test_more_charges_than_the_limit_are_refused() -> None:
    with pytest.raises(LimitExceeded, match="the file has 3 charges or more; the limit is 2"):
        decode(bill({}, {}, {}), max_charges=2)


amounts = st.decimals(min_value=-(10**19), max_value=10**19, places=18).map(lambda value: value.normalize())


@given(st.lists(amounts, min_size=1, max_size=20))
def test_every_amount_comes_back_as_it_was_written(values: list[Decimal]) -> None:
    table = decode(bill(*({"BilledCost": str(value)} for value in values))).table
    assert table["billed_cost"].to_pylist() == values


@given(st.text(max_size=50), st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4))
def test_text_and_tags_come_back_as_they_were_written(description: str, tags: dict[str, str]) -> None:
    description = description.replace("\0", "").replace("\r", "")
    row = only_row(bill({"ChargeDescription": description, "Tags": json.dumps(tags)}))
    assert row["charge_description"] == ("" if description in ("NULL", "null") else description)
    assert json.loads(str(row["tags"])) == tags


@settings(max_examples=200)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_damage_anywhere_ends_in_an_answer(position: int, damage: bytes) -> None:
    body = bill({}, {})
    damaged = body[:position] + damage + body[position + len(damage) :]
    with contextlib.suppress(InvalidInput):
        assert 1 <= len(decode(damaged)) <= 3
