"""Series of OTLP metrics: who sent them, their name and attributes as one key, and the key as labels.

A key holds literal labels (field 1, as in remote write) and attributes exactly as they were encoded (field 2), so
that the attributes of a known series are never decoded.
Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#resource-attributes
"""

from collections.abc import Iterable
from typing import Final

from collectors.wire.limits import DecodeLimits
from collectors.wire.otlp_names import label_name
from collectors.wire.otlp_values import AttributeReader, value_text
from collectors.wire.protobuf import BYTES, field_bytes, fields, utf8
from collectors.wire.series_labels import checked_labels, read_label
from telemetry.model.labels import Labels

KEY_SPACE: Final = "otlp"
IDENTIFYING: Final = ("service.namespace", "service.name", "service.instance.id")
"""Resource attributes that become `job` and `instance`."""

_LIMITS: Final = DecodeLimits()


def literal(name: str, value: str) -> bytes:
    """Part of a key: one label as it is."""
    return field_bytes(1, field_bytes(1, name.encode()) + field_bytes(2, value.encode()))


def attributes_part(attributes: Iterable[bytes]) -> bytes:
    """Part of a key: encoded KeyValues."""
    return b"".join([field_bytes(2, attribute) for attribute in attributes])


def identity(resource: Labels) -> bytes:
    """Part of a key: `job` and `instance` of a resource, as far as it has them."""
    values = dict(resource)
    name, instance = values.get("service.name"), values.get("service.instance.id")
    namespace = values.get("service.namespace")
    job = f"{namespace}/{name}" if namespace and name else name
    return (literal("job", job) if job else b"") + (literal("instance", instance) if instance else b"")


def scope_part(scope: bytes, reader: AttributeReader) -> bytes:
    """Part of a key: name, version and attributes of an encoded InstrumentationScope as `otel_scope_...`."""
    part = b""
    for number, wire_type, start, end in fields(scope):
        if wire_type != BYTES:
            continue
        if number in (1, 2):
            word = "name" if number == 1 else "version"
            part += literal(f"otel_scope_{word}", utf8(scope[start:end], f"the {word} of a scope"))
        elif number == 3:
            key, value = reader.pair(scope[start:end])
            part += literal(f"otel_scope_{label_name(key)}", value_text(value))
    return part


def decode_otlp_key(key: bytes) -> Labels:
    """Labels of a series: literal ones win over attributes, attributes whose names fall together are joined by `;`.

    Raises InvalidInput for what cannot be a label.
    """
    literals: dict[str, str] = {}
    attributes: list[bytes] = []
    for number, _, start, end in fields(key):
        if number == 1:
            name, value = read_label(key, start, end)
            literals[name] = value
        else:
            attributes.append(key[start:end])
    return checked_labels((_attribute_labels(attributes) | literals).items())


def _attribute_labels(attributes: list[bytes]) -> dict[str, str]:
    pairs = dict(map(AttributeReader(_LIMITS).pair, attributes))
    labels: dict[str, str] = {}
    for key in sorted(pairs):
        name, text = label_name(key), value_text(pairs[key])
        labels[name] = f"{labels[name]};{text}" if name in labels else text
    return labels
