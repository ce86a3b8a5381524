"""An encoded native histogram becomes the value it stands for, or an error that names what is wrong with it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.wire.limits import DecodeLimits
from collectors.wire.native_histograms import decode_histogram, indices_of
from telemetry.model.errors import InvalidInput
from telemetry.model.histograms import CUSTOM_SCHEMA, ResetHint
from tests.collectors.wire.encoders import WriteRequest

LIMITS = DecodeLimits()


def encoded(**fields):
    """A Histogram message; spans as pairs of offset and length."""
    histogram = WriteRequest().timeseries.add().histograms.add()
    for name, value in fields.items():
        if name.endswith("spans"):
            for offset, length in value:
                getattr(histogram, name).add(offset=offset, length=length)
        elif isinstance(value, list):
            getattr(histogram, name).extend(value)
        else:
            setattr(histogram, name, value)
    return histogram.SerializeToString()


def decoded(**fields):
    return decode_histogram(encoded(**fields), LIMITS)


def test_integer_counts_are_deltas_in_spans():
    timestamp, histogram = decoded(
        timestamp=-5, schema=-4, count_int=21, sum=1.5, zero_threshold=0.25, zero_count_int=2,
        positive_spans=[(-3, 2), (2, 1)], positive_deltas=[4, -3, 5], negative_spans=[(7, 1)], negative_deltas=[8],
        reset_hint=1,
    )  # fmt: skip
    assert (timestamp, histogram.schema, histogram.count, histogram.sum) == (-5, -4, 21.0, 1.5)
    assert (histogram.zero_threshold, histogram.zero_count, histogram.hint) == (0.25, 2.0, ResetHint.RESET)
    assert histogram.positive.indices.tolist() == [-3, -2, 1]
    assert histogram.positive.counts.tolist() == [4.0, 1.0, 6.0]
    assert (histogram.negative.indices.tolist(), histogram.negative.counts.tolist()) == ([7], [8.0])


def test_float_counts_stand_for_themselves():
    _, histogram = decoded(count_float=2.5, zero_count_float=0.5, positive_spans=[(1, 2)], positive_counts=[1.5, 0.5])
    assert (histogram.count, histogram.zero_count) == (2.5, 0.5)
    assert histogram.positive.counts.tolist() == [1.5, 0.5]


def test_custom_buckets_have_bounds_of_their_own():
    _, histogram = decoded(
        schema=CUSTOM_SCHEMA, count_int=3, custom_values=[1.0, 2.5], positive_spans=[(1, 2)], positive_deltas=[1, 1]
    )
    assert histogram.custom_bounds.tolist() == [1.0, 2.5]
    assert histogram.positive.indices.tolist() == [1, 2]


def test_counts_of_a_finer_schema_are_added_up_to_schema_8():
    _, histogram = decoded(schema=9, count_int=3, positive_spans=[(1, 3)], positive_deltas=[1, 0, 0])
    assert (histogram.schema, histogram.positive.indices.tolist()) == (8, [1, 2])
    assert histogram.positive.counts.tolist() == [2.0, 1.0]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"schema": -5}, "schema -5"),
        ({"schema": 53}, "schema 53"),
        ({"positive_spans": [(0, 2)], "positive_deltas": [1]}, "need 2 buckets, and there are 1"),
        ({"negative_counts": [1.0], "count_float": 1.0}, "need 0 buckets, and there are 1"),
        ({"positive_spans": [(0, 1), (-1, 1)], "positive_deltas": [1, 1]}, "negative offset -1"),
        ({"positive_spans": [(0, 4_000_000_000)]}, "need 4000000000 buckets"),
        ({"positive_spans": [(2**31 - 1, 2)], "positive_deltas": [1, 1]}, "32 bits"),
        ({"positive_spans": [(0, 1)], "positive_deltas": [-1]}, "negative count -1"),
        ({"count_float": -2.0}, "negative count -2"),
        ({"schema": 0, "custom_values": [1.0]}, "has custom bounds"),
        ({"schema": CUSTOM_SCHEMA, "custom_values": [2.0, 1.0]}, "do not rise"),
        ({"schema": CUSTOM_SCHEMA, "custom_values": [float("inf")]}, "not finite"),
        ({"schema": CUSTOM_SCHEMA, "zero_count_int": 1}, "a zero bucket"),
        ({"schema": CUSTOM_SCHEMA, "positive_spans": [(2, 1)], "positive_deltas": [1]}, "bucket 2"),
        ({"schema": CUSTOM_SCHEMA, "positive_spans": [(-1, 1)], "positive_deltas": [1]}, "bucket -1"),
    ],
)
def test_what_cannot_be_is_refused_by_name(fields, said):
    with pytest.raises(InvalidInput, match=said):
        decoded(**fields)


@given(st.sets(st.integers(-500, 500), min_size=1))
def test_spans_are_the_gaps_between_indices(indices):
    spans, previous = [], None
    for index in sorted(indices):
        if previous is not None and index == previous + 1:
            spans[-1][1] += 1
        else:
            spans.append([index if previous is None else index - previous - 1, 1])
        previous = index
    assert indices_of([tuple(span) for span in spans]).tolist() == sorted(indices)


def test_the_fields_of_a_stale_histogram_are_not_judged():
    stale = float(np.uint64(0x7FF0000000000002).view(np.float64))
    _, histogram = decoded(sum=stale, count_float=stale)
    assert np.array([histogram.sum]).view(np.uint64)[0] == 0x7FF0000000000002
