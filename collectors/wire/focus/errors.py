"""What is wrong with a bill, by row and column."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from telemetry.model.errors import InvalidInput

MOST_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class RowError:
    """One wrong value; `row` counts as a spreadsheet does (the header is row 1), `column` is '' for the whole row."""

    row: int
    column: str
    value: str
    reason: str

    def __str__(self) -> str:
        if not self.column:
            return f"row {self.row}: {self.reason}"
        shown = f" {self.value[:80]!r}" if self.value else ""
        return f"row {self.row}, {self.column}{shown}: {self.reason}"


class FocusRefused(InvalidInput):
    """The whole bill is refused; nothing of it was stored."""

    def __init__(self, message: str, errors: Sequence[RowError] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors[:MOST_SHOWN])
        self.error_count = len(errors)


def refuse_if(errors: Sequence[RowError]) -> None:
    """Raises FocusRefused naming the first error and the number of all, if there are any."""
    if not errors:
        return
    ordered = sorted(errors, key=lambda error: (error.row, error.column))
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    raise FocusRefused(f"{ordered[0]}{more}; nothing was imported", ordered)
