"""Native histograms in the JSON of the Prometheus API."""

import json

import numpy as np
import pytest

from dashboard.api.prometheus.histogram_json import histogram_json
from dashboard.api.prometheus.render import render_instant, render_range
from telemetry.model.histograms import CUSTOM_SCHEMA, Buckets, Histogram
from telemetry.model.labels import labels_from
from telemetry.model.time import TimeGrid
from telemetry.promql.engine import Engine
from telemetry.promql.histogram_text import text_of
from telemetry.promql.source import MemorySource

FULL = Histogram(
    0,
    10.0,
    2.5,
    0.001,
    1.0,
    Buckets(np.array([0, 2]), np.array([3.0, 2.0])),
    Buckets(np.array([1, 2]), np.array([4.0, 0.0])),
)
CUSTOM = Histogram(
    CUSTOM_SCHEMA,
    6.0,
    9.0,
    positive=Buckets(np.arange(3), np.array([1.0, 2.0, 3.0])),
    custom_bounds=np.array([-1.0, 5.0]),
)


def test_the_rules_of_bounds_say_which_belong_to_a_bucket() -> None:
    assert json.loads(histogram_json(FULL)) == {
        "count": "10",
        "sum": "2.5",
        "buckets": [[1, "-2", "-1", "4"], [3, "-0.001", "0.001", "1"], [0, "0.5", "1", "3"], [0, "2", "4", "2"]],
    }


def test_the_first_custom_bucket_has_both_of_its_bounds() -> None:
    assert json.loads(histogram_json(CUSTOM))["buckets"] == [
        [3, "-Inf", "-1", "1"], [0, "-1", "5", "2"], [0, "5", "+Inf", "3"],
    ]  # fmt: skip


def test_a_histogram_without_observations_has_no_buckets() -> None:
    assert json.loads(histogram_json(Histogram(3, 0.0, 0.0))) == {"count": "0", "sum": "0"}


def test_a_histogram_as_text_has_its_filled_buckets() -> None:
    assert text_of(FULL) == "{count:10, sum:2.5, [-2,-1):4, [-0.001,0.001]:1, (0.5,1]:3, (2,4]:2}"
    assert text_of(CUSTOM) == "{count:6, sum:9, [-Inf,-1]:1, (-1,5]:2, (5,+Inf]:3}"


@pytest.fixture
def engine() -> Engine:
    source = MemorySource()
    labels = labels_from({"__name__": "latency"})
    source.add(labels, [(1000, 7.0)])
    source.add_histograms(labels, [(2000, CUSTOM)])
    return Engine(source)


def document(rendered: tuple[bytes, bool]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(rendered[0] + b"}")["result"]
    return found


def test_an_instant_answer_has_a_histogram_in_the_place_of_a_value(engine: Engine) -> None:
    [series] = document(render_instant(engine.instant("latency", 2000), 2000, 0))
    assert series["histogram"] == [2, json.loads(histogram_json(CUSTOM))]
    assert "value" not in series


def test_a_range_answer_has_values_and_histograms_apart(engine: Engine) -> None:
    [series] = document(render_range(engine.range("latency", TimeGrid(1000, 2000, 1000)), 0))
    assert series["values"] == [[1, "7"]]
    assert [point[0] for point in series["histograms"]] == [2]
    [alone] = document(render_range(engine.range("latency", TimeGrid(2000, 2000, 1000)), 0))
    assert "values" not in alone


def test_the_samples_of_a_range_selector_come_as_they_are(engine: Engine) -> None:
    [series] = document(render_instant(engine.instant("latency[5s]", 2000), 2000, 0))
    assert series["values"] == [[1, "7"]]
    assert series["histograms"] == [[2, json.loads(histogram_json(CUSTOM))]]
