"""Bills with a charge a day, for pages that look at many days."""

import csv
import io
from collections.abc import Sequence
from datetime import date, timedelta

from tests.collectors.test_bills import HEADER


def daily_bill(amounts: Sequence[float], last: date, *, tags: str = '{"service": "mail"}', price: float = 1.0) -> bytes:
    """A FOCUS file whose charges end with the day `last`; each day's quantity is its amount over `price`."""
    text = io.StringIO()
    first = last - timedelta(days=len(amounts) - 1)
    writer = csv.writer(text, lineterminator="\n")
    for number, amount in enumerate(amounts):
        day = first + timedelta(days=number)
        row = (
            f"{amount},a,Main,USD,{first},{last + timedelta(days=1)},Usage,,,{day},{day + timedelta(days=1)},1,"
            f"{amount},"
            f"I,1,{amount / price},Hours,P,P,Compute,Machines,r,"
        ).split(",")
        writer.writerow([*row[:-1], tags])
    return (HEADER + text.getvalue()).encode()
