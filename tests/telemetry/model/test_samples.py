import math

import numpy as np

from telemetry.model.samples import STALE_NAN, Refusal, WriteReceipt, is_stale


def test_a_staleness_marker_is_told_from_any_other_nan():
    values = np.array([STALE_NAN, math.nan, 0.0, math.inf])
    assert math.isnan(STALE_NAN)
    assert is_stale(values).tolist() == [True, False, False, False]


def test_a_receipt_counts_what_was_refused():
    receipt = WriteReceipt(3, (Refusal("a", "first", 2), Refusal("b", "second")))
    assert receipt.refused == 3
