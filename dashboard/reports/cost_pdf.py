"""The cost report as one A4 page: the same month and moment give the same bytes."""

import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from dashboard.reports.cost_month import Change, CostMonth
from policies.costs.exact import EXACT, exact_sum, rounded_to_cents

WIDTH, HEIGHT = A4
MARGIN: Final = 48.0
INK, MUTED, RULE = HexColor("#1a1d21"), HexColor("#5c6570"), HexColor("#d5dae0")
BAR, MORE, LESS = HexColor("#2f6db3"), HexColor("#b3462f"), HexColor("#2f8a5b")
ROWS: Final = 12
"""Services of the table; the others are one row."""
STEPS: Final = 6
"""Services of the waterfall; the others are one step."""


def cost_pdf(month: CostMonth) -> bytes:
    """The page as PDF."""
    out = io.BytesIO()
    page = Canvas(out, pagesize=A4, invariant=1, pageCompression=1)
    page.setTitle(f"Cost {month.first:%Y-%m}")
    page.setAuthor("Belvedere")
    _head(page, month)
    _stats(page, month, HEIGHT - 118)
    _days(page, month, HEIGHT - 290)
    _waterfall(page, month, HEIGHT - 450)
    _table(page, "By service", _shortened(month.services, ROWS), month.currency, MARGIN, HEIGHT - 490)
    _table(page, "By team", _shortened(month.teams, ROWS), month.currency, WIDTH / 2 + 12, HEIGHT - 490)
    _foot(page, month)
    page.showPage()
    page.save()
    return out.getvalue()


def _text(page: Any, x: float, y: float, text: str, *, size: float = 9, color: Any = INK, bold: bool = False) -> None:
    page.setFont("Helvetica-Bold" if bold else "Helvetica", size)
    page.setFillColor(color)
    page.drawString(x, y, _plain(text))


def _right(page: Any, x: float, y: float, text: str, *, size: float = 9, color: Any = INK, bold: bool = False) -> None:
    page.setFont("Helvetica-Bold" if bold else "Helvetica", size)
    page.setFillColor(color)
    page.drawRightString(x, y, _plain(text))


def _plain(text: str) -> str:
    """What the page's fonts can write; anything else becomes a question mark."""
    return text.encode("cp1252", "replace").decode("cp1252")


def _head(page: Any, month: CostMonth) -> None:
    _text(page, MARGIN, HEIGHT - 60, f"Cost of {month.first:%B %Y}", size=20, bold=True)
    days = f"{month.first} to {month.last}, UTC days, {month.currency}"
    _text(page, MARGIN, HEIGHT - 76, days, color=MUTED)


def _stats(page: Any, month: CostMonth, y: float) -> None:
    cells = [
        ("Billed", money(month.billed, month.currency), _against(month)),
        ("Effective", money(month.effective, month.currency), "commitments where used"),
        ("Month before", money(month.before, month.currency), "the same bills and rules"),
        ("Unallocated", money(month.unallocated, month.currency), "no tag and no rule names a service"),
    ]
    step = (WIDTH - 2 * MARGIN) / len(cells)
    for number, (label, value, note) in enumerate(cells):
        x = MARGIN + number * step
        _text(page, x, y, label, size=8, color=MUTED)
        _text(page, x, y - 16, value, size=13, bold=True)
        _text(page, x, y - 27, note, size=7, color=MUTED)


def _against(month: CostMonth) -> str:
    if not month.before:
        return "nothing was billed the month before"
    ratio = float(EXACT.subtract(month.billed, month.before)) / abs(float(month.before))
    return f"{ratio:+.1%} against the month before"


def _days(page: Any, month: CostMonth, y: float) -> None:
    """Bars of the days above and below a zero line."""
    height, width = 110.0, WIDTH - 2 * MARGIN
    _text(page, MARGIN, y + height + 8, "Billed by day", bold=True)
    low, high = min(0.0, *month.daily), max(0.0, *month.daily)
    span = (high - low) or 1.0
    zero = y + height * -low / span
    step = width / len(month.daily)
    for number, amount in enumerate(month.daily):
        page.setFillColor(BAR if amount >= 0 else LESS)
        page.rect(MARGIN + number * step + 1, zero, step - 2, height * amount / span, stroke=0, fill=1)
        if number % 5 == 0:
            _text(page, MARGIN + number * step + 1, y - 10, str(number + 1), size=7, color=MUTED)
    _line(page, MARGIN, zero, WIDTH - MARGIN)
    _right(page, WIDTH - MARGIN, y + height + 8, f"highest day {high:,.2f}", size=7, color=MUTED)


def _line(page: Any, x: float, y: float, until: float) -> None:
    page.setStrokeColor(RULE)
    page.setLineWidth(0.6)
    page.line(x, y, until, y)


def _waterfall(page: Any, month: CostMonth, y: float) -> None:
    """From the month before to this month, the services that changed most between them."""
    steps = waterfall_steps(month)
    height, width = 90.0, WIDTH - 2 * MARGIN
    _text(page, MARGIN, y + height + 10, "What changed since the month before", bold=True)
    levels = [level for _, start, end in steps for level in (start, end)]
    low, high = min(0.0, *levels), max(0.0, *levels)
    span = (high - low) or 1.0
    step = width / len(steps)
    for number, (name, start, end) in enumerate(steps):
        whole = number in (0, len(steps) - 1)
        page.setFillColor(BAR if whole else MORE if end >= start else LESS)
        bottom, top = sorted((start, end))
        x = MARGIN + number * step
        page.rect(x + 4, y + height * (bottom - low) / span, step - 8, max(height * (top - bottom) / span, 0.6), 0, 1)
        _text(page, x + 4, y - 10, _cut(name, 13), size=7, color=MUTED)
        _text(page, x + 4, y - 19, f"{end - start:+,.0f}" if not whole else f"{end:,.0f}", size=7)
    _line(page, MARGIN, y + height * -low / span, WIDTH - MARGIN)


def waterfall_steps(month: CostMonth) -> list[tuple[str, float, float]]:
    """(name, level before, level after): the month before, what changed, this month; the last level is the bill."""
    changed = sorted((each for each in month.services if each.difference), key=lambda each: -abs(each.difference))
    parts = [(each.name, each.difference) for each in changed[:STEPS]]
    if rest := changed[STEPS:]:
        parts.append((f"{len(rest)} others", exact_sum(each.difference for each in rest)))
    steps = [("month before", 0.0, float(month.before))]
    level = month.before
    for name, difference in parts:
        after = EXACT.add(level, difference)
        steps.append((name, float(level), float(after)))
        level = after
    return [*steps, ("this month", 0.0, float(level))]


def _shortened(rows: Sequence[Change], most: int) -> list[Change]:
    if len(rows) <= most:
        return list(rows)
    rest = rows[most - 1 :]
    others = Change(
        f"{len(rest)} others",
        exact_sum(each.cents for each in rest),
        exact_sum(each.amount for each in rest),
        exact_sum(each.before for each in rest),
    )
    return [*rows[: most - 1], others]


def _table(page: Any, title: str, rows: Sequence[Change], currency: str, x: float, y: float) -> None:
    until = x + WIDTH / 2 - MARGIN - 12
    _text(page, x, y, title, bold=True)
    _right(page, until - 62, y, "billed", size=7, color=MUTED)
    _right(page, until, y, "change", size=7, color=MUTED)
    for number, row in enumerate(rows):
        at = y - 15 - number * 15
        _line(page, x, at + 10.5, until)
        _text(page, x, at, _cut(row.name, 24), size=8)
        _right(page, until - 62, at, f"{row.cents:,.2f}", size=8)
        _right(page, until, at, f"{row.difference:+,.2f}", size=8, color=MUTED)
    at = y - 15 - len(rows) * 15
    _line(page, x, at + 10.5, until)
    _text(page, x, at, f"Total {currency}", size=8, bold=True)
    _right(page, until - 62, at, f"{exact_sum(row.cents for row in rows):,.2f}", size=8, bold=True)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _foot(page: Any, month: CostMonth) -> None:
    lines = [f"With the bills and rules that counted at {month.at:%Y-%m-%d %H:%M:%S} UTC."]
    lines.append(f"Allocation rules: {month.policies}." if month.policies else "No allocation rules.")
    if month.others:
        sums = ", ".join(money(amount, currency) for currency, amount in month.others)
        lines.append(f"Billed in other currencies and in no sum here: {sums}.")
    lines += month.notes[:2]
    for number, line in enumerate(reversed(lines)):
        _text(page, MARGIN, 30 + 10 * number, _cut(line, 120), size=7, color=MUTED)


def money(amount: Decimal, currency: str) -> str:
    """To the cent, with its currency."""
    return f"{rounded_to_cents([amount])[0]:,.2f} {currency}"
