"""Sentences and checks that several protocols share."""

from collections.abc import Sequence
from typing import Final

from collectors.receivers.message import Received
from collectors.wire.limits import UnsupportedEncoding
from telemetry.model.samples import Refusal

_JSON_TYPES: Final = (
    "application/json", "application/x-ndjson", "application/jsonl", "application/jsonlines", "application/stream+json",
    "application/octet-stream", "text/plain", "application/x-www-form-urlencoded", "",
)  # fmt: skip
"""How senders of JSON declare it; curl says the last but one of any body."""


def refused_sentence(refusals: Sequence[Refusal], what: str) -> str:
    """Names every reason with its number of `what`, at most ten."""
    parts = [f"{refusal.count:,} {what} refused: {refusal.message}" for refusal in refusals[:10]]
    if len(refusals) > 10:
        parts.append(f"and {sum(refusal.count for refusal in refusals[10:]):,} more")
    return "; ".join(parts)


def check_is_json(request: Received) -> None:
    """Raises UnsupportedEncoding if the body of an own API's request is declared as something else than JSON."""
    if request.content_type not in _JSON_TYPES:
        raise UnsupportedEncoding(f"content type {request.content_type!r} is not understood; use application/json")
