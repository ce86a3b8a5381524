"""Filters that write values with their units, the same way everywhere. Ratios are 0 to 1 and shown as percent."""

import math
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

NOTHING: Final = "\N{EN DASH}"
"""What is shown where there is no value: never 0."""

Number = int | float | Decimal | None


def _known(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and math.isfinite(value)


@register.filter
def number(value: Number) -> str:
    """Three significant digits with k, M, G: 0.042, 7.31, 128, 12.8k."""
    if not _known(value):
        return NOTHING
    amount = float(value or 0)
    for factor, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(amount) >= factor:
            return _three_digits(amount / (1e3 if suffix == "k" else factor)) + suffix
    return _three_digits(amount)


@register.filter
def count(value: Number) -> str:
    """A whole number with thousands separated: 12,804."""
    return f"{round(float(value or 0)):,}" if _known(value) else NOTHING


@register.filter
def percent(value: Number) -> str:
    """A ratio of 0 to 1 as percent: 0.01%, 4.2%, 87%."""
    if not _known(value):
        return NOTHING
    share = float(value or 0) * 100
    if share == 0:
        return "0%"
    if abs(share) < 0.01:
        return "<0.01%"
    return f"{share:.2f}%" if abs(share) < 1 else f"{share:.1f}%" if abs(share) < 10 else f"{share:.0f}%"


@register.filter
def seconds(value: Number) -> str:
    """A duration given in seconds: 840 µs, 12.4 ms, 1.3 s, 4.5 min, 3.2 h, 12 d."""
    if not _known(value):
        return NOTHING
    span = float(value or 0)
    if span == 0:
        return "0 s"
    for limit, factor, unit in (
        (1e-3, 1e6, "µs"),
        (1, 1e3, "ms"),
        (120, 1, "s"),
        (7200, 1 / 60, "min"),
        (172_800, 1 / 3600, "h"),
    ):
        if abs(span) < limit:
            return f"{_three_digits(span * factor)} {unit}"
    return f"{_three_digits(span / 86400)} d"


@register.filter
def in_bytes(value: Number) -> str:
    """Bytes in binary units: 512 B, 1.5 KiB, 2.3 GiB."""
    if not _known(value):
        return NOTHING
    size = float(value or 0)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(size) < 1024 or unit == "TiB":
            break
        size /= 1024
    return f"{_three_digits(size)} {unit}"


@register.filter
def money(value: Number, currency: str = "USD") -> str:
    """Cents while they matter: < $0.01, $0.42, $128.10, $12,804; other currencies by their code."""
    if not _known(value):
        return NOTHING
    amount = Decimal(str(value or 0))
    if 0 < abs(amount) < Decimal("0.005"):
        return "< $0.01" if currency == "USD" else f"< 0.01 {currency}"
    return _with_currency(f"{amount:,.2f}" if abs(amount) < 1000 else f"{amount:,.0f}", currency)


@register.filter
def exact_money(value: Number | str, currency: str = "USD") -> str:
    """To the cent, for rows that add up: $0.42, -$12,804.07; other currencies by their code. Reads decimal text too."""
    if not (_known(value) or (isinstance(value, str) and value)):
        return NOTHING
    return _with_currency(f"{Decimal(str(value)):,.2f}", currency)


def _with_currency(text: str, currency: str) -> str:
    if currency != "USD":
        return f"{text} {currency}"
    return f"-${text[1:]}" if text.startswith("-") else f"${text}"


@register.filter
def in_unit(value: Number, unit: str) -> str:
    """A value in the words of its unit (a name of `dashboard.panels.units`)."""
    if unit == "seconds":
        return seconds(value)
    if unit in ("bytes", "bytes_per_second"):
        return in_bytes(value) + ("/s" if unit == "bytes_per_second" and _known(value) else "")
    return percent(value) if unit == "ratio" else number(value)


@register.filter
def moment(value: int | datetime | None) -> SafeString | str:
    """`<time>` of epoch milliseconds or a datetime: "22 Nov 14:03:09", the whole in its title, UTC."""
    if value is None:
        return NOTHING
    at = _as_datetime(value)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(timespec="milliseconds"),
        f"{at:%A %d %B %Y, %H:%M:%S} UTC",
        f"{at:%d %b %H:%M:%S}",
    )


@register.filter
def ago(value: int | datetime | None) -> SafeString | str:
    """`<time>` with the age in one unit, kept current by the page's script: "12 s ago", "3 d ago"."""
    if value is None:
        return "never"
    at = _as_datetime(value)
    return format_html(
        '<time class="ago" datetime="{}" title="{}">{}</time>',
        at.isoformat(timespec="milliseconds"),
        f"{at:%A %d %B %Y, %H:%M:%S} UTC",
        age_words(time.time() - at.timestamp()),
    )


def age_words(age_seconds: float) -> str:
    """One unit, rounded down: "now", "12 s ago", "5 min ago", "3 h ago", "9 d ago"; "in 4 min" for the future."""
    span = abs(age_seconds)
    if span < 2:
        return "now"
    for limit, length, unit in ((100, 1, "s"), (6000, 60, "min"), (129_600, 3600, "h"), (math.inf, 86400, "d")):
        if span < limit:
            words = f"{int(span // length)} {unit}"
            break
    return f"{words} ago" if age_seconds > 0 else f"in {words}"


def _as_datetime(value: int | datetime) -> datetime:
    return value.astimezone(UTC) if isinstance(value, datetime) else datetime.fromtimestamp(value / 1000, UTC)


def _three_digits(amount: float) -> str:
    """At most three significant digits, no exponent above 0.001, no trailing zeros after a point."""
    if amount == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(amount))))
    if digits > 6:
        return f"{amount:.1e}"
    text = f"{amount:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
