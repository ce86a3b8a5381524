"""Inventories and scans: `POST /api/audits` and `POST /api/sboms`, `?service=...&environment=...`; any known format."""

from collectors.receivers.limits import decode_limits
from collectors.receivers.message import Received, Reply, json_reply
from collectors.wire.compression import decompress
from collectors.wire.inventory.detect import read_inventory
from collectors.wire.limits import UnsupportedEncoding
from fleet.actions.dependencies import import_inventory
from telemetry.model.errors import InvalidInput


def push(request: Received) -> Reply:
    """201 with what became of the report, 200 if the newest report of its source had the same content."""
    if request.content_type.rpartition("/")[2].rpartition("+")[2] == "xml":
        raise UnsupportedEncoding(f"content type {request.content_type!r} is not understood; send CycloneDX as JSON")
    service = request.service or request.query.get("service", "")
    if not service.strip():
        raise InvalidInput(f"the query parameter service is missing: {request.path}?service=NAME&environment=NAME")
    limits = decode_limits()
    receipt = import_inventory(
        service=service,
        environment=request.query.get("environment") or "production",
        inventory=read_inventory(decompress(request.body, request.content_encoding, limits), limits),
        actor=request.principal.actor,
        source=request.query.get("source", ""),
        version=request.query.get("version", ""),
    )
    return json_reply(201 if receipt.created else 200, receipt.as_json())
