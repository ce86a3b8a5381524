"""Limits of pushed requests, from the settings."""

from functools import cache

from django.conf import settings

from collectors.wire.limits import DecodeLimits


@cache
def decode_limits() -> DecodeLimits:
    """What one request may hold."""
    return DecodeLimits(
        max_decoded_bytes=int(settings.INGEST["max_decoded_bytes"]),
        max_records=int(settings.INGEST["max_records"]),
        max_samples=int(settings.INGEST["max_samples"]),
        max_parts=int(settings.INGEST["max_parts"]),
    )
