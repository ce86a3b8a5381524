"""Exemplars of OTLP data points, with the trace they were measured in.

Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#exemplars
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

from collectors.wire.limits import DecodeLimits
from collectors.wire.otlp_values import AttributeReader, value_text
from collectors.wire.protobuf import message_type, parse
from telemetry.model.errors import InvalidInput
from telemetry.model.exemplars import MOST_CHARACTERS, Exemplar
from telemetry.model.labels import labels_from

_EXEMPLAR: Final = message_type(
    "Exemplar",
    time_unix_nano=(2, "fixed64", "optional"),
    as_double=(3, "double", "optional"),
    span_id=(4, "bytes", "optional"),
    trace_id=(5, "bytes", "optional"),
    as_int=(6, "sfixed64", "optional"),
    filtered_attributes=(7, "bytes", "repeated"),
)
_LATEST_MS: Final = (2**63 - 1) // 1_000_000
_IDS: Final = ("traceId", "spanId")


def read_exemplar(data: bytes, limits: DecodeLimits, default_ms: int) -> Exemplar:
    """An encoded Exemplar, at `default_ms` if it has no time. Raises InvalidInput for ids that are too long.

    Attributes are left out where they would make its labels too long, so that the trace stays.
    """
    found = parse(_EXEMPLAR, data, limits)
    ids = [(name, value.hex()) for name, value in (("trace_id", found.trace_id), ("span_id", found.span_id))]
    labels = [(name, value) for name, value in ids if value.strip("0")]
    taken = {name for name, _ in labels}
    further = [(key, text) for key, text in _attributes(found.filtered_attributes, limits) if key not in taken]
    if sum(len(name) + len(value) for name, value in [*labels, *further]) > MOST_CHARACTERS:
        further = []
    value = found.as_double if found.HasField("as_double") else float(found.as_int)
    timestamp_ms = min(found.time_unix_nano // 1_000_000, _LATEST_MS) or default_ms
    return Exemplar(timestamp_ms, value, labels_from([*labels, *further]))


def _attributes(encoded: Sequence[bytes], limits: DecodeLimits) -> list[tuple[str, str]]:
    reader = AttributeReader(limits)
    pairs = dict(map(reader.pair, encoded))
    return [(key, value_text(value)) for key, value in pairs.items() if key]


def with_binary_ids(exemplar: dict[str, Any]) -> dict[str, Any]:
    """An exemplar of OTLP's JSON with its hexadecimal ids as protobuf's JSON has bytes, in base64.

    Raises InvalidInput for an id that is not hexadecimal.
    """
    found = dict(exemplar)
    for name in _IDS:
        if name in found:
            found[name] = _base64(found[name], name)
    return found


def _base64(digits: Any, name: str) -> str:
    try:
        return base64.b64encode(binascii.unhexlify(digits)).decode()
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"the {name} of an exemplar is not hexadecimal: {str(digits)[:80]!r}") from error
