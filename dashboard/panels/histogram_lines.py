"""Native histograms as lines that a figure can draw: how many observations, their sum, and three quantiles."""

from collections.abc import Callable
from typing import Final

import numpy as np

from telemetry.model.histograms import Histogram
from telemetry.model.labels import labels_from
from telemetry.model.samples import Frame
from telemetry.promql.histogram_estimates import quantile

LINE_LABEL: Final = "line"
"""Label that tells the lines of one histogram apart."""

_LINES: Final[dict[str, Callable[[Histogram], float]]] = {
    "count": lambda histogram: histogram.count,
    "sum": lambda histogram: histogram.sum,
    "p50": lambda histogram: quantile(0.5, histogram)[0],
    "p90": lambda histogram: quantile(0.9, histogram)[0],
    "p99": lambda histogram: quantile(0.99, histogram)[0],
}


def unfolded(frame: Frame) -> Frame:
    """Float samples as they are, and five lines for each series that has native histograms."""
    if frame.histograms is None:
        return frame
    native = frame.present & (frame.histograms != None)  # noqa: E711 - cell by cell
    floats = frame.present & ~native
    kept = np.flatnonzero(floats.any(axis=1)).tolist()
    labels = [frame.labels[row] for row in kept]
    values, present = [frame.values[row] for row in kept], [floats[row] for row in kept]
    for row in np.flatnonzero(native.any(axis=1)).tolist():
        for name, of in _LINES.items():
            line = np.full(len(frame.times_ms), np.nan)
            line[native[row]] = [of(histogram) for histogram in frame.histograms[row][native[row]]]
            labels.append(labels_from({**dict(frame.labels[row]), LINE_LABEL: name}))
            values.append(line)
            present.append(native[row])
    shape = (len(labels), len(frame.times_ms))
    return Frame(labels, frame.times_ms, np.array(values).reshape(shape), np.array(present, bool).reshape(shape))
