"""Durations, numbers and strings in the spelling of Go."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.errors import InvalidInput
from telemetry.promql.durations import format_duration_ms, parse_duration_ms
from telemetry.syntax.numbers import format_float, format_general, parse_decimal, parse_number
from telemetry.syntax.quoting import quote, unquote


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("5m", 300_000), ("1h30m", 5_400_000), ("1y2w3d4h5m6s7ms", 33_019_506_007), ("0s", 0), ("0", 0), ("90s", 90_000)],
)
def test_durations_are_read(text: str, milliseconds: int) -> None:
    assert parse_duration_ms(text) == milliseconds


@pytest.mark.parametrize("text", ["", "5", "m", "5m1h", "1.5h", "-5m", "5M", "5m ", "300y", "9" * 30 + "s", "٣m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_duration_ms(text)


@given(st.integers(min_value=1, max_value=2**43))
def test_printed_durations_read_back(milliseconds: int) -> None:
    assert parse_duration_ms(format_duration_ms(milliseconds)) == milliseconds


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"), (-0.0, "-0"), (1e21, "1000000000000000000000"), (1.5e-7, "0.00000015"), (0.1, "0.1"),
        (123456789.125, "123456789.125"), (5e-324, "0." + "0" * 323 + "5"), (math.inf, "+Inf"), (-math.inf, "-Inf"),
        (math.nan, "NaN"), (1e16, "10000000000000000"), (-1.25e20, "-125000000000000000000"),
    ],
)  # fmt: skip
def test_floats_are_printed_without_exponent(value: float, text: str) -> None:
    assert format_float(value) == text


@given(st.floats(allow_nan=False))
def test_printed_floats_read_back(value: float) -> None:
    text = format_float(value)
    assert "e" not in text
    assert parse_decimal(text) == value
    assert parse_decimal(format_general(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "2"), (-1.1, "-1.1"), (1759968300.0, "1.7599683e+09"), (1e6, "1e+06"), (123456.5, "123456.5"),
        (1e-5, "1e-05"),
    ],
)  # fmt: skip
def test_general_form_has_an_exponent_where_go_has_one(value: float, text: str) -> None:
    assert format_general(value) == text


@pytest.mark.parametrize("text", ["", " 1", "1_0", "0x10", "1e", "one", "--1"])
def test_labels_hold_plain_decimals(text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        parse_decimal(text)


def test_literals_have_the_bases_of_go() -> None:
    assert [parse_number(text) for text in ("0x_ff", "0b11", "0o17", "017", "1_000", "1.5e3")] == [
        255, 3, 15, 15, 1000, 1500,
    ]  # fmt: skip


@given(st.text())
def test_quoted_text_reads_back(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    assert unquote(quote(text)) == text


@pytest.mark.parametrize("literal", ['"\\q"', '"\\xg0"', '"\\ud800"', '"\\400"', "'\\\"'", '"\\u12"'])
def test_unknown_escapes_are_refused(literal: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        unquote(literal)


def test_bytes_that_are_no_text_survive() -> None:
    assert quote(unquote('"a\\xffb"')) == '"a\\xffb"'
    assert unquote('"\\xc3\\xa9"') == "é"
