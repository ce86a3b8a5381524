"""Bills: `POST /api/costs` with a FOCUS file in CSV, packed with gzip or not."""

from dataclasses import asdict
from typing import Any, Final

from collectors.bills import ImportedBill, import_bill
from collectors.receivers.counters import REFUSED
from collectors.receivers.message import Received, Reply, json_reply
from collectors.wire.compression import decompress
from collectors.wire.focus import FocusRefused
from collectors.wire.limits import DecodeLimits
from fleet.actions.costs import is_simulated_token

MAX_UNPACKED_BYTES: Final = 512 * 1024**2
"""Of a body in another encoding than gzip, which must be unpacked whole."""


def push(request: Received) -> Reply:
    """201 with what was imported, 200 if the same file counts already, 400 with every wrong value by row and column."""
    try:
        imported = import_bill(
            _body(request),
            file_name=request.query.get("file", "").strip() or "pushed bill",
            actor=request.principal.actor,
            service=request.service,
            simulated=is_simulated_token(request.principal.token_id),
            replace=request.query.get("add", "") not in ("1", "true"),
        )
    except FocusRefused as error:
        REFUSED.labels("costs", "invalid").inc()
        return json_reply(400, _refusal(error))
    return json_reply(201 if imported.new else 200, as_json(imported))


def _body(request: Received) -> bytes:
    """The file as it was sent: gzip is unpacked while it is read, other encodings here, within the body's limit."""
    if request.content_encoding.strip().lower() == "gzip":
        return request.body
    return decompress(request.body, request.content_encoding, DecodeLimits(MAX_UNPACKED_BYTES))


def _refusal(error: FocusRefused) -> dict[str, Any]:
    return {
        "error": str(error),
        "errors": [asdict(wrong) for wrong in error.errors],
        "error_count": error.error_count,
    }


def as_json(imported: ImportedBill) -> dict[str, Any]:
    """What became of a bill; amounts are decimal text."""
    bill = imported.bill
    return {
        "batch": bill.batch.hex,
        "new": imported.new,
        "charges": bill.rows,
        "billed_cost": bill.billed_cost,
        "currency": bill.currency,
        "period_start": bill.period_start.isoformat() if bill.period_start else None,
        "period_end": bill.period_end.isoformat() if bill.period_end else None,
        "services": imported.services,
        "unallocated_charges": imported.unallocated,
        "replaced_parts": imported.replaced,
        "notices": list(imported.notices),
    }
