"""Deployments: `POST /api/deployments` at the end of a pipeline."""

from datetime import UTC, datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from collectors.receivers.limits import decode_limits
from collectors.receivers.message import Received, Reply, json_reply
from collectors.wire.compression import decompress
from collectors.wire.json_document import an_object, parse_shallow_json, text
from fleet.actions.services import record_deployment
from telemetry.model.errors import InvalidInput

_FIELDS = ("service", "environment", "version", "commit", "time", "description")


def push(request: Received) -> Reply:
    """201 with the deployment; 200 if the same one is known already. A bound token names the service itself."""
    limits = decode_limits()
    body = decompress(request.body, request.content_encoding, limits)
    document = an_object(parse_shallow_json(body, limits), "the body")
    if unknown := sorted(set(document) - set(_FIELDS)):
        raise InvalidInput(f"unknown field {unknown[0]!r}; a deployment has {', '.join(_FIELDS)}")
    values = {name: text(document.get(name), name) for name in _FIELDS}
    deployment, created = record_deployment(
        service=request.service or values["service"],
        environment=values["environment"] or "production",
        version=values["version"],
        commit=values["commit"],
        description=values["description"],
        deployed_at=moment(values["time"]) if values["time"] else timezone.now(),
        actor=request.principal.actor,
    )
    answer = {
        "id": deployment.pk,
        "service": deployment.service.name,
        "environment": deployment.environment.name,
        "version": deployment.version,
        "deployed_at": deployment.deployed_at.isoformat(),
    }
    return json_reply(201 if created else 200, answer)


def moment(written: str) -> datetime:
    """Time in ISO 8601; without a zone it is UTC. Raises InvalidInput naming the value."""
    try:
        parsed = parse_datetime(written)
    except ValueError:
        parsed = None
    if parsed is None:
        raise InvalidInput(f"time {written[:60]!r} is no time such as 2026-11-22T14:30:00Z")
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
