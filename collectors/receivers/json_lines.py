"""JSON lines: `POST /api/logs?service=NAME`, one record a line.

`time_field`, `message_field` and `service_field` name fields that are not among the usual ones.
"""

from collections.abc import Sequence

from collectors.receivers.answers import check_is_json, refused_sentence
from collectors.receivers.limits import decode_limits
from collectors.receivers.message import Pending, Received, Reply, json_reply
from collectors.receivers.repeats import is_recognisable
from collectors.wire.compression import decompress
from collectors.wire.json_lines import decode_json_lines
from collectors.wire.json_record import FieldNames
from telemetry.model.samples import WriteReceipt
from telemetry.store.current import current


def push(request: Received) -> Pending:
    """200 with what was stored, 400 naming the lines that were refused while the rest is stored."""
    check_is_json(request)
    limits = decode_limits()
    body = decompress(request.body, request.content_encoding, limits)
    decoded = decode_json_lines(body, limits, received_ns=request.received_ns, names=field_names(request))

    def answer(receipt: WriteReceipt) -> Reply:
        counts: dict[str, object] = {"accepted": receipt.accepted, "refused": receipt.refused}
        if receipt.refusals:
            return json_reply(400, {**counts, "error": refused_sentence(receipt.refusals, "lines")})
        return json_reply(200, counts)

    service = request.service or request.query.get("service") or None
    recognisable = is_recognisable(decoded.batch, request.received_ns)
    return Pending(current().write_logs(decoded.batch, service=service), answer, decoded.refusals, recognisable)


def field_names(request: Received) -> FieldNames:
    """Names of the query before the usual ones."""
    usual = FieldNames()
    return FieldNames(
        time=_first(request, "time_field", usual.time),
        message=_first(request, "message_field", usual.message),
        service=_first(request, "service_field", usual.service),
    )


def _first(request: Received, parameter: str, usual: Sequence[str]) -> tuple[str, ...]:
    named = request.query.get(parameter)
    return (named, *usual) if named else (*usual,)
