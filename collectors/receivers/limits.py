"""Limits of pushed requests, from the settings."""

from functools import cache

from django.conf import settings

from collectors.wire.limits import DecodeLimits
from collectors.wire.otlp_deltas import DeltaStreams
from collectors.wire.otlp_options import OtlpOptions


@cache
def decode_limits() -> DecodeLimits:
    """What one request may hold."""
    return DecodeLimits(
        max_decoded_bytes=int(settings.INGEST["max_decoded_bytes"]),
        max_records=int(settings.INGEST["max_records"]),
        max_samples=int(settings.INGEST["max_samples"]),
        max_parts=int(settings.INGEST["max_parts"]),
    )


@cache
def _delta_streams(most: int) -> DeltaStreams | None:
    return DeltaStreams(most) if most else None


def otlp_options(service: str) -> OtlpOptions:
    """How OTLP metrics of a sender that is bound to `service` ('' if it is not) become series."""
    return OtlpOptions(
        deltas=_delta_streams(settings.OTLP_DELTA_STREAMS),
        sender=service.encode(),
        promoted=frozenset(settings.OTLP_PROMOTED),
        scope_labels=settings.OTLP_SCOPE_LABELS,
    )
