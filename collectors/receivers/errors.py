"""The one table from errors to statuses of pushed requests."""

from dataclasses import dataclass

from django.db import InterfaceError, OperationalError

from collectors.wire.limits import UnsupportedEncoding
from fleet.actions.dependencies import TooManySources
from fleet.actions.services import InvalidName
from fleet.inventory import InvalidReport
from telemetry.model.errors import InvalidInput, LimitExceeded, StoreBusy, StoreUnavailable


@dataclass(frozen=True, slots=True)
class Described:
    """HTTP status, sentence, word for the metric, and when to try again (0: never)."""

    status: int
    sentence: str
    reason: str
    retry_after_seconds: int = 0


def describe(error: Exception, busy_status: int = 429) -> Described:
    """What a sender is told; `busy_status` is what its protocol calls a full queue.

    An error that is nobody's fault outside is told without its inside.
    """
    match error:
        case UnsupportedEncoding():
            return Described(415, str(error), "unsupported")
        case LimitExceeded():
            return Described(413, str(error), _word(error.limit_name))
        case InvalidInput() | InvalidName() | InvalidReport() | TooManySources():
            return Described(400, str(error), "invalid")
        case StoreBusy():
            return Described(busy_status, str(error), "busy", error.retry_after_seconds)
        case StoreUnavailable():
            return Described(503, str(error), "unavailable", 5)
        case OperationalError() | InterfaceError():
            return Described(503, "the relational database does not answer; try again later", "unavailable", 5)
    return Described(500, "the request could not be worked on; the log of the server says why", "internal")


def _word(limit_name: str) -> str:
    """The setting of a limit as a word for the metric, whatever share of it the limit is."""
    return limit_name.rpartition(" ")[2].removeprefix("BELVEDERE_").lower()
