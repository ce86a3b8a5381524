"""The process-wide store: a slot that the composition root fills and everybody below the pages reads."""

from typing import TYPE_CHECKING

from telemetry.model.errors import StoreUnavailable

if TYPE_CHECKING:
    from telemetry.store.store import TelemetryStore

_slot: "TelemetryStore | None" = None


def set_current(store: "TelemetryStore | None") -> None:
    """Make `store` the one that `current()` answers; None empties the slot."""
    global _slot
    _slot = store


def current() -> "TelemetryStore":
    """Store of this process. Raises StoreUnavailable if none is open here."""
    if _slot is None:
        raise StoreUnavailable("telemetry is not open in this process; it is open in the one that runs `belvedere up`")
    return _slot
