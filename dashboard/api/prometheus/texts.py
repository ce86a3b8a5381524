"""Times and values in the JSON of the Prometheus API."""

from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from telemetry.syntax.numbers import format_float

_EXACT: Final = 2.0**53


def time_text(time_ms: int) -> bytes:
    """Seconds with a fraction of three digits where there is one."""
    seconds, rest = divmod(abs(time_ms), 1000)
    sign = "-" if time_ms < 0 else ""
    return f"{sign}{seconds}.{rest:03d}".encode() if rest else f"{sign}{seconds}".encode()


def value_texts(values: NDArray[np.float64]) -> list[bytes]:
    """Text of each value as Go prints it with as many digits as needed and no exponent."""
    if not len(values):
        return []
    finite = np.isfinite(values)
    whole = finite & (np.floor(values) == values) & (np.abs(values) < _EXACT) & ~((values == 0) & np.signbit(values))
    if whole.all():
        return _split(values.astype(np.int64))
    texts = _split(np.where(finite, values, 0.0))
    texts = [text[:-2] if text.endswith(b".0") else text for text in texts]
    odd = ~finite | (np.abs(values) >= 1e15) | (np.abs(values) < 1e-4)
    for index in np.flatnonzero(odd).tolist():
        texts[index] = format_float(float(values[index])).encode()
    return texts


def _split(values: NDArray[Any]) -> list[bytes]:
    return orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")
