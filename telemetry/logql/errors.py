"""What can be wrong with a LogQL query, beside the limits and timeouts of `telemetry.model.errors`."""

from telemetry.model.errors import InvalidInput


class ParseError(InvalidInput):
    """The text is no LogQL, or its parts do not fit. Worded and placed as Loki does (HTTP 400)."""

    def __init__(self, reason: str, *, line: int = 0, column: int = 0) -> None:
        place = f"at line {line}, col {column}" if line else ""
        super().__init__(f"parse error {place}: {reason}")
        self.reason = reason
        self.line = line
        self.column = column

    @classmethod
    def at(cls, text: str, position: int, reason: str) -> "ParseError":
        """Error at the character `position` of `text`; lines and columns count from 1."""
        before = text[:position]
        return cls(reason, line=before.count("\n") + 1, column=position - (before.rfind("\n") + 1) + 1)


class EvaluationError(InvalidInput):
    """The query is well formed but has no answer on this data (HTTP 400, as Loki answers it)."""


def pipeline_error(kind: str, labels: str) -> EvaluationError:
    """A sample carries an error label, so that the value of the query would not mean what it says."""
    return EvaluationError(
        f"pipeline error: '{kind}' for series: '{labels}'.\n"
        f'Use a label filter to intentionally skip this error. (e.g | __error__!="{kind}").\n'
        'To skip all potential errors you can match empty errors.(e.g __error__="")\n'
        'The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__="" )\n'
    )
