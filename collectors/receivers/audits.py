"""Dependency audits: `POST /api/audits?service=...&environment=...` with the JSON of pip-audit."""

from collectors.receivers.answers import check_is_json
from collectors.receivers.limits import decode_limits
from collectors.receivers.message import Received, Reply, json_reply
from collectors.wire.compression import decompress
from collectors.wire.json_document import parse_shallow_json
from fleet.actions.dependencies import import_pip_audit_report
from telemetry.model.errors import InvalidInput


def push(request: Received) -> Reply:
    """201 with what became of the report, 200 if the newest report had the same content."""
    check_is_json(request)
    service = request.service or request.query.get("service", "")
    if not service.strip():
        raise InvalidInput("the query parameter service is missing: /api/audits?service=NAME&environment=NAME")
    limits = decode_limits()
    receipt = import_pip_audit_report(
        service=service,
        environment=request.query.get("environment") or "production",
        document=parse_shallow_json(decompress(request.body, request.content_encoding, limits), limits),
        actor=request.principal.actor,
    )
    return json_reply(201 if receipt.created else 200, receipt.as_json())
