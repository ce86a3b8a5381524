"""The errors of the telemetry floor, each naming the value and the limit it broke."""


class TelemetryError(Exception):
    """Base of everything this floor raises on purpose."""


class InvalidInput(TelemetryError):
    """What was sent or asked cannot be understood; repeating it will not help (HTTP 400)."""


class LimitExceeded(TelemetryError):
    """A configured limit was passed; the message names the value, the limit and its setting."""

    def __init__(self, message: str, *, limit_name: str) -> None:
        super().__init__(message)
        self.limit_name = limit_name


class StoreBusy(TelemetryError):
    """The write queue is full; try again after `retry_after_seconds` (HTTP 429 or 503)."""

    def __init__(self, message: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class StoreUnavailable(TelemetryError):
    """The engine could not commit or answer; nothing of the call was acknowledged (HTTP 503)."""


class QueryTimeout(TelemetryError):
    """The engine stopped a query at its deadline (HTTP 503, Prometheus error type `timeout`)."""


class QueryCancelled(TelemetryError):
    """Whoever asked has gone; the query was stopped (Prometheus error type `canceled`)."""
