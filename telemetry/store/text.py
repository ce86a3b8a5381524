"""Text on its way into Arrow columns: always valid UTF-8, long lines cut and marked."""

from collections.abc import Sequence

import pyarrow as pa


def text_array(texts: Sequence[str]) -> pa.Array:
    """Arrow strings; text with lone surrogates is kept readable by writing them as `\\udc80`."""
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        return pa.array([text.encode(errors="backslashreplace").decode() for text in texts], pa.string())


def cut_line(line: str, most_bytes: int) -> str:
    """`line` if it has at most `most_bytes` bytes in UTF-8, else its beginning and a mark that tells its size."""
    encoded = line.encode(errors="backslashreplace")
    if len(encoded) <= most_bytes:
        return line
    mark = f"… [cut: {len(encoded)} bytes]"
    return encoded[: max(0, most_bytes - len(mark.encode()))].decode(errors="ignore") + mark
