"""What can be wrong with a query, beside the limits and timeouts of `telemetry.model.errors`."""

from telemetry.model.errors import InvalidInput, TelemetryError


class ParseError(InvalidInput):
    """The text is not PromQL, or its types do not fit; names the place (HTTP 400, `bad_data`)."""

    def __init__(self, reason: str, *, line: int, column: int) -> None:
        super().__init__(f"{line}:{column}: parse error: {reason}")
        self.reason = reason
        self.line = line
        self.column = column

    @classmethod
    def at(cls, text: str, position: int, reason: str) -> "ParseError":
        """Error at the character `position` of `text`; lines and columns count from 1."""
        line, column = line_and_column(text, position)
        return cls(reason, line=line, column=column)


class EvaluationError(TelemetryError):
    """The query is well formed but has no answer on this data (HTTP 422, `execution`)."""


def line_and_column(text: str, position: int) -> tuple[int, int]:
    """Place of a character position, both counted from 1."""
    before = text[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
