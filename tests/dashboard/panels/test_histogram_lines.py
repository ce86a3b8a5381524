"""A native histogram is drawn as its count, its sum and its quantiles."""

import numpy as np
import pytest

from dashboard.panels.histogram_lines import unfolded
from telemetry.model.histograms import Buckets, Histogram, cells_of
from telemetry.model.labels import labels_from
from telemetry.model.samples import Frame

TIMES = np.array([0, 1000])
HISTOGRAM = Histogram(0, 4.0, 6.0, positive=Buckets(np.array([1]), np.array([4.0])))


def test_a_frame_of_floats_stays_as_it_is() -> None:
    frame = Frame([()], TIMES, np.ones((1, 2)), np.ones((1, 2), bool))
    assert unfolded(frame) is frame


def test_each_histogram_becomes_five_lines_beside_the_floats_of_its_series() -> None:
    labels = labels_from({"__name__": "latency"})
    cells = cells_of([None, HISTOGRAM]).reshape(1, 2)
    shown = unfolded(Frame([labels], TIMES, np.array([[7.0, np.nan]]), np.ones((1, 2), bool), cells))
    lines = [dict(one).get("line") for one in shown.labels]
    assert lines == [None, "count", "sum", "p50", "p90", "p99"]
    assert shown.present.tolist() == [[True, False]] + [[False, True]] * 5
    assert shown.values[1:4, 1].tolist() == pytest.approx([4.0, 6.0, 2**0.5])
    assert shown.values[0, 0] == 7.0
