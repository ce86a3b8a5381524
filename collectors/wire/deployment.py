"""A deployment as a CI job reports it: service, environment, version, and what else it knows."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from collectors.wire.json_document import parse_shallow_json, text
from collectors.wire.limits import DecodeLimits
from collectors.wire.log_time import nanoseconds
from telemetry.model.errors import InvalidInput

_KNOWN: Final = ("service", "environment", "version", "commit", "time", "description")


@dataclass(frozen=True, slots=True)
class ReportedDeployment:
    """One deployment; texts are '' and the time is None if they were not said, the environment "production"."""

    service: str
    environment: str
    version: str
    commit: str
    description: str
    deployed_at: datetime | None


def decode_deployment(body: bytes, limits: DecodeLimits) -> ReportedDeployment:
    """Raises InvalidInput naming a field that is unknown or of the wrong kind, or the version if it is missing."""
    document = parse_shallow_json(body, limits)
    if not isinstance(document, dict):
        raise InvalidInput("the body is not a JSON object")
    if unknown := sorted(document.keys() - set(_KNOWN)):
        raise InvalidInput(f"unknown field {unknown[0]!r}; there are {', '.join(_KNOWN)}")
    texts = {name: text(document.get(name), name).strip() for name in _KNOWN if name != "time"}
    if not texts["version"]:
        raise InvalidInput("version is missing")
    texts["environment"] = texts["environment"] or "production"
    return ReportedDeployment(deployed_at=_moment(document.get("time")), **texts)


def _moment(time: object) -> datetime | None:
    if time is None:
        return None
    try:
        return datetime.fromtimestamp(nanoseconds(time) / 1e9, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidInput(f"{str(time)[:80]!r} is not a time") from error
