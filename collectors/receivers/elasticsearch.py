"""Elasticsearch's bulk endpoint, and the answers that its shippers ask for before they send.

Source: https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
"""

import json
import uuid
from typing import Any, Final

from collectors.receivers.answers import refused_sentence
from collectors.receivers.limits import decode_limits
from collectors.receivers.message import Pending, Received, Reply
from collectors.receivers.repeats import is_recognisable
from collectors.wire.compression import decompress
from collectors.wire.elasticsearch_bulk import BulkItem, decode_bulk
from telemetry.model.samples import WriteReceipt
from telemetry.store.current import current

VERSION: Final = "8.19.0"
"""Shippers of versions 7 to 9 send to it; clients refuse servers that are older than they are by a major version."""
COMPATIBLE: Final = "application/vnd.elasticsearch+json"
_PRODUCT: Final = {"x-elastic-product": "Elasticsearch"}

_ROOT: Final = {
    "name": "belvedere",
    "cluster_name": "belvedere",
    "cluster_uuid": "belvedere",
    "version": {
        "number": VERSION,
        "build_flavor": "default",
        "build_type": "tar",
        "build_hash": "belvedere",
        "build_date": "2026-01-01T00:00:00.000Z",
        "build_snapshot": False,
        "lucene_version": "9.12.0",
        "minimum_wire_compatibility_version": "7.17.0",
        "minimum_index_compatibility_version": "7.0.0",
    },
    "tagline": "You Know, for Search",
}
_LICENSE: Final = {"license": {"status": "active", "uid": "belvedere", "type": "basic", "mode": "basic"}}
_HEALTH: Final = {"cluster_name": "belvedere", "status": "green", "timed_out": False, "number_of_nodes": 1}
_FEATURES: Final = {"ilm": {"available": False, "enabled": False}}
_XPACK: Final = {"build": {}, "license": _LICENSE["license"], "features": _FEATURES}
_NODES: Final = {"nodes": {"belvedere": {"version": VERSION, "http": {"publish_address": ""}}}}
_DONE: Final = {"acknowledged": True}

_PROBES: Final[tuple[tuple[str, Any], ...]] = (
    ("/_license", _LICENSE),
    ("/_xpack", _XPACK),
    ("/_cluster/health", _HEALTH),
    ("/_cat/health", [_HEALTH]),
    ("/_nodes", _NODES),
    ("/_ilm/policy", _DONE),
    ("/_index_template", _DONE),
    ("/_component_template", _DONE),
    ("/_template", _DONE),
    ("/_ingest/pipeline", _DONE),
    ("/_data_stream", _DONE),
)
"""Beginning of a path -> the answer. Templates and pipelines are taken and change nothing: fields need no schema."""
PROBED: Final = tuple(beginning for beginning, _ in _PROBES)


def bulk(request: Received) -> Pending:
    """`POST /_bulk`, `/INDEX/_bulk`: 200 with one result an item, in their order."""
    limits = decode_limits()
    index = request.path.removesuffix("_bulk").strip("/")
    body = decompress(request.body, request.content_encoding, limits)
    decoded = decode_bulk(body, limits, received_ns=request.received_ns, index=index)

    def answer(receipt: WriteReceipt) -> Reply:
        stored = tuple(refusal for refusal in receipt.refusals if refusal.reason != "invalid_document")
        return _json(200, _results(decoded.items, refused_sentence(stored, "documents")))

    recognisable = is_recognisable(decoded.logs.batch, request.received_ns)
    return Pending(
        current().write_logs(decoded.logs.batch, service=request.service), answer, decoded.logs.refusals, recognisable
    )


def document(request: Received) -> Pending:
    """`POST /INDEX/_doc`, `/INDEX/_create/ID`: one document, 201."""
    limits = decode_limits()
    index, _, rest = request.path.strip("/").partition("/")
    line = decompress(request.body, request.content_encoding, limits).replace(b"\n", b" ")
    decoded = decode_bulk(b'{"create":{}}\n' + line, limits, received_ns=request.received_ns, index=index)

    def answer(receipt: WriteReceipt) -> Reply:
        (item,) = decoded.items
        if error := item.error or refused_sentence(receipt.refusals, "documents"):
            return error_reply(400, error, request.content_type)
        return _json(201, _result(item, "", rest.partition("/")[2]))

    recognisable = is_recognisable(decoded.logs.batch, request.received_ns)
    return Pending(
        current().write_logs(decoded.logs.batch, service=request.service), answer, decoded.logs.refusals, recognisable
    )


def probe(request: Received) -> Reply:
    """The answer to what a shipper asks before it sends: templates and the like are not there, but may be put."""
    answer = next((answer for beginning, answer in _PROBES if request.path.startswith(beginning)), _ROOT)
    if answer is _DONE and request.method in ("GET", "HEAD"):
        return _json(404, {"error": {"type": "resource_not_found_exception", "reason": request.path}, "status": 404})
    return _json(200, answer)


def error_reply(status: int, sentence: str, content_type: str) -> Reply:
    """Elasticsearch's own form."""
    words = {400: "illegal_argument_exception", 401: "security_exception", 403: "security_exception",
             413: "content_too_long", 429: "es_rejected_execution_exception"}  # fmt: skip
    cause = {"type": words.get(status, "status_exception"), "reason": sentence}
    return _json(status, {"error": {**cause, "root_cause": [cause]}, "status": status})


def _results(items: tuple[BulkItem, ...], refused: str) -> dict[str, Any]:
    """`refused` are the store's refusals; which item they are about is said in their sentence."""
    results = [{item.action: _result(item, refused)} for item in items]
    failed = any("error" in result for pair in results for result in pair.values())
    return {"took": 0, "errors": failed, "items": results}


def _result(item: BulkItem, refused: str, identifier: str = "") -> dict[str, Any]:
    known = {"_index": item.index, "_id": item.identifier or identifier or uuid.uuid4().hex}
    if error := item.error or refused:
        return {**known, "status": 400, "error": {"type": "document_parsing_exception", "reason": error}}
    shards = {"total": 1, "successful": 1, "failed": 0}
    created = {"_version": 1, "result": "created", "_shards": shards, "_seq_no": 0, "_primary_term": 1}
    return {**known, **created, "status": 201}


def _json(status: int, value: Any) -> Reply:
    return Reply(status, json.dumps(value).encode(), COMPATIBLE + ";compatible-with=8", _PRODUCT)
