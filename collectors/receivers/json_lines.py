"""JSON lines: `POST /api/logs?service=NAME`, one record a line; further parameters become labels of the stream."""

from typing import Final

from collectors.receivers.answers import refused_sentence, with_decoded
from collectors.receivers.limits import decode_limits
from collectors.receivers.message import Pending, Received, Reply, json_reply
from collectors.wire.compression import decompress
from collectors.wire.json_lines import TIME_NAMES, LineFields, decode_json_lines
from collectors.wire.severity_words import NAMES as SEVERITY_NAMES
from telemetry.model.samples import WriteReceipt
from telemetry.store.current import current

TIME_PARAMETER: Final = "time_field"
LEVEL_PARAMETER: Final = "level_field"


def push(request: Received) -> Pending:
    """200 with what was stored and what was refused (400 if anything was, while the rest is stored)."""
    limits = decode_limits()
    body = decompress(request.body, request.content_encoding, limits)
    decoded = decode_json_lines(body, line_fields(request), limits, received_ns=request.received_ns)

    def answer(receipt: WriteReceipt) -> Reply:
        whole = with_decoded(receipt, decoded.refusals)
        counts: dict[str, object] = {"accepted": whole.accepted, "refused": whole.refused}
        if whole.refusals:
            return json_reply(400, {**counts, "error": refused_sentence(whole.refusals, "lines")})
        return json_reply(200, counts)

    return Pending(current().write_logs(decoded.batch, service=request.service), answer)


def line_fields(request: Received) -> LineFields:
    """Names and labels from the query; a token bound to a service names the service itself."""
    own = (TIME_PARAMETER, LEVEL_PARAMETER)
    labels = {name: value for name, value in request.query.items() if name not in own}
    if request.service:
        labels["service"] = request.service
    time_field, level_field = (request.query.get(name) for name in own)
    return LineFields(
        labels,
        (time_field, *TIME_NAMES) if time_field else TIME_NAMES,
        (level_field, *SEVERITY_NAMES) if level_field else SEVERITY_NAMES,
    )
