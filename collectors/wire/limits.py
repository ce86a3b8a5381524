"""How much one request may hold, and the sentences that say so."""

from dataclasses import dataclass
from typing import Final

from telemetry.model.errors import InvalidInput, LimitExceeded

MAX_DEPTH: Final = 64
"""Deepest nesting of JSON documents and attribute values."""


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Limits that a decoder applies before it allocates; the defaults are those of the settings."""

    max_decoded_bytes: int = 32 * 1024**2
    max_records: int = 50_000
    max_samples: int = 1_000_000
    max_parts: int = 500_000

    def check_records(self, count: int) -> None:
        """Raises LimitExceeded if a request holds more than `max_records` log records."""
        if count > self.max_records:
            raise _exceeded("log records", self.max_records, "BELVEDERE_MAX_RECORDS", count)

    def check_samples(self, count: int) -> None:
        """Raises LimitExceeded if a request or page holds more than `max_samples` samples."""
        if count > self.max_samples:
            raise _exceeded("samples", self.max_samples, "BELVEDERE_MAX_SAMPLES", count)

    def check_decoded(self, size: int) -> None:
        """Raises LimitExceeded if a decompressed body is (or would be) larger than `max_decoded_bytes`."""
        if size > self.max_decoded_bytes:
            raise _exceeded("bytes when decompressed", self.max_decoded_bytes, "BELVEDERE_MAX_DECODED_BYTES", size)

    def check_parts(self, count: int) -> None:
        """Raises LimitExceeded if a body consists of more parts (protobuf fields) than any honest one.

        A part of two bytes costs some microseconds of the processor and sixty bytes once decoded, so parts are
        limited and not only bytes.
        """
        if count > self.max_parts:
            raise _exceeded("parts", self.max_parts, "BELVEDERE_MAX_PARTS", count)

    def check_json_parts(self, count: int) -> None:
        """As `check_parts` for JSON values, which are parsed at once and cost a tenth; text may hold separators too."""
        most = self.max_decoded_bytes // 8
        if count > most:
            raise _exceeded("parts", most, "an eighth of BELVEDERE_MAX_DECODED_BYTES", count)


def _exceeded(what: str, limit: int, setting: str, count: int) -> LimitExceeded:
    return LimitExceeded(
        f"the request holds {count:,} {what} or more, over the limit of {limit:,} ({setting})", limit_name=setting
    )


class UnsupportedEncoding(InvalidInput):
    """The body is in a compression or format that this endpoint does not read (HTTP 415)."""
