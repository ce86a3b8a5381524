"""The small notations of policy documents."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.scaling.cron import read_cron
from policies.scaling.quantity import milli, quantity


@pytest.mark.parametrize(
    ("text", "thousandths"),
    [
        ("500m", 500),
        ("2", 2000),
        (3, 3000),
        ("1.5k", 1_500_000),
        ("1Ki", 1_024_000),
        ("2e3", 2_000_000),
        ("1u", 1),
        (".5", 500),
    ],
)
def test_quantities_are_read_as_kubernetes_reads_them(text: object, thousandths: int) -> None:
    assert milli(text) == thousandths


@pytest.mark.parametrize("text", ["", "m", "1mi", "1 k", "one", True, None, "1e999999", "1k\n"])
def test_other_texts_are_no_quantities(text: object) -> None:
    with pytest.raises(ValueError, match="expected a quantity"):
        milli(text)


@given(st.integers(0, 10**15))
def test_a_quantity_reads_back(thousandths: int) -> None:
    assert milli(quantity(thousandths)) == thousandths


def named(line: str, start: datetime, minutes: int) -> list[str]:
    cron, moments = read_cron(line), (start + timedelta(minutes=n) for n in range(minutes))
    return [f"{moment:%a %H:%M}" for moment in moments if cron.names(moment)]


def test_cron_lines_name_their_minutes() -> None:
    sunday = datetime(2026, 11, 22, tzinfo=UTC)
    assert named("*/30 6-7 * * *", sunday, 1440) == ["Sun 06:00", "Sun 06:30", "Sun 07:00", "Sun 07:30"]
    assert named("0 12 * * mon,7", sunday, 2880) == ["Sun 12:00", "Mon 12:00"]
    assert named("0 12 23 * 0", sunday, 2880) == ["Sun 12:00", "Mon 12:00"]


@pytest.mark.parametrize("line", ["", "* * * *", "60 * * * *", "* * 0 * *", "5-1 * * * *", "*/0 * * * *", "x * * * *"])
def test_other_lines_are_refused_by_their_field(line: str) -> None:
    with pytest.raises(ValueError, match=r"expected five fields|minute|day of month"):
        read_cron(line)
