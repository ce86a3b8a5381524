"""Identity of a series: a 64-bit hash of its labels and of the service its sender is bound to."""

from hashlib import blake2b

from telemetry.model.labels import Labels

_SEPARATOR = b"\xff"  # never occurs in UTF-8, so no two label sets give the same bytes


def identity(labels: Labels, bound: str) -> int:
    """Id of the series (or log stream) with these labels, sent with a token bound to `bound` ('' if unbound).

    The same everywhere and for ever: it is stored. Raises UnicodeEncodeError for text that is not Unicode.
    """
    parts = [bound.encode(), *(text.encode() for pair in labels for text in pair)]
    return int.from_bytes(blake2b(_SEPARATOR.join(parts), digest_size=8).digest(), "little")
