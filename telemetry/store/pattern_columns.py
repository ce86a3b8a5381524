"""What a tally holds as columns of the tables of patterns and errors."""

from typing import Final

import pyarrow as pa

from telemetry.patterns.masking import WILDCARD
from telemetry.patterns.tally import MINUTE_MS, CountKey, Tally

LONGEST_SAMPLE: Final = 4096
"""Characters of a kept example."""

_INSTANT: Final = pa.timestamp("ms", "UTC")


def pattern_columns(tally: Tally) -> pa.Table:
    """Rows of log_patterns for every pattern that was seen."""
    seen = [(service, tally.pattern(service, number), span) for (service, number), span in tally.pattern_spans.items()]
    texts = [" ".join(pattern.current().tokens) for _, pattern, _ in seen]
    template = pa.StructArray.from_arrays(
        [pa.array([text.count(WILDCARD) for text in texts], pa.uint32()), _texts(texts)], ["wildcards", "text"]
    )
    return pa.table(
        {
            "service": _texts([service for service, _, _ in seen]),
            "id": pa.array([pattern.identity for _, pattern, _ in seen], pa.uint64()),
            "field": _texts([pattern.field for _, pattern, _ in seen]),
            "template": template,
            "sample": _texts([pattern.sample[:LONGEST_SAMPLE] for _, pattern, _ in seen]),
            "first_seen": pa.array([span.first_ms for _, _, span in seen], _INSTANT),
            "last_seen": pa.array([span.last_ms for _, _, span in seen], _INSTANT),
        }
    )


def pattern_count_columns(tally: Tally) -> pa.Table:
    """Rows of log_pattern_counts."""
    keys = list(tally.pattern_counts)
    return pa.table(
        {
            "service": _texts([key.service for key in keys]),
            "pattern": pa.array([tally.pattern(key.service, key.subject).identity for key in keys], pa.uint64()),
            "at": _minutes(keys),
            "severity": pa.array([key.severity for key in keys], pa.uint8()),
            "records": pa.array(list(tally.pattern_counts.values()), pa.uint64()),
        }
    )


def error_columns(tally: Tally) -> pa.Table:
    """Rows of log_errors for every error that was seen."""
    seen = [(service, identity, error) for (service, identity), error in tally.errors.items()]
    frames = [list(map(_text, error.signature.frames)) for _, _, error in seen]
    return pa.table(
        {
            "service": _texts([service for service, _, _ in seen]),
            "id": pa.array([identity for _, identity, _ in seen], pa.uint64()),
            "type": _texts([error.signature.type for _, _, error in seen]),
            "title": _texts([error.signature.title for _, _, error in seen]),
            "culprit": _texts([error.signature.culprit for _, _, error in seen]),
            "frames": pa.array(frames, pa.list_(pa.string())),
            "sample": _texts([error.sample[: 4 * LONGEST_SAMPLE] for _, _, error in seen]),
            "first_seen": pa.array([error.span.first_ms for _, _, error in seen], _INSTANT),
            "last_seen": pa.array([error.span.last_ms for _, _, error in seen], _INSTANT),
        }
    )


def error_count_columns(tally: Tally) -> pa.Table:
    """Rows of log_error_counts."""
    keys = list(tally.error_counts)
    return pa.table(
        {
            "service": _texts([key.service for key in keys]),
            "error": pa.array([key.subject for key in keys], pa.uint64()),
            "at": _minutes(keys),
            "records": pa.array(list(tally.error_counts.values()), pa.uint64()),
        }
    )


def _minutes(keys: list[CountKey]) -> pa.Array:
    return pa.array([key.minute * MINUTE_MS // 1000 for key in keys], pa.timestamp("s", "UTC"))


def _texts(values: list[str]) -> pa.Array:
    return pa.array(list(map(_text, values)), pa.string())


def _text(value: str) -> str:
    """Without what UTF-8 has no bytes for."""
    return value.encode(errors="replace").decode()
