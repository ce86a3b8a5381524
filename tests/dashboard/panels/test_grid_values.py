"""Reading samples and numpy give what the engine gives."""

import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.panels import grid_values
from dashboard.panels.grid_values import values_on_grid
from telemetry.model.labels import Matcher, MatchOp
from telemetry.model.samples import STALE_NAN
from telemetry.model.time import TimeGrid, TimeRange
from telemetry.store import GridFunction, TelemetryStore
from tests.series import write_series

END = int(time.time()) // 60 * 60_000
START = END - 20 * 60_000
WINDOW = 300_000

SAMPLES = st.lists(
    st.tuples(st.integers(1, 90), st.one_of(st.integers(0, 50).map(float), st.just(STALE_NAN))), min_size=1, max_size=30
)
"""(seconds since the sample before, value)"""


@pytest.mark.parametrize("function", [GridFunction.RATE, GridFunction.LAST])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(series=st.lists(SAMPLES, min_size=1, max_size=3), points=st.integers(1, 12))
def test_numpy_and_the_engine_agree(
    store: TelemetryStore,
    monkeypatch: pytest.MonkeyPatch,
    function: GridFunction,
    series: list[list[tuple[int, float]]],
    points: int,
) -> None:
    store.clear()
    grid = TimeGrid(START + 60_000, START + 60_000 * points, 60_000)
    for number, samples in enumerate(series):
        times = START + 1000 * np.cumsum([gap for gap, _ in samples])
        write_series(
            store, ("x", {"number": str(number)}, list(zip(times.tolist(), [v for _, v in samples], strict=True)))
        )
    found = store.select_series([[Matcher("__name__", MatchOp.EQUAL, "x")]], TimeRange(START - WINDOW, END))
    here = values_on_grid(store, found, function, grid, WINDOW)
    with monkeypatch.context() as patched:
        patched.setattr(grid_values, "FEW_SAMPLES", 0)
        engine = values_on_grid(store, found, function, grid, WINDOW)
    np.testing.assert_allclose(here, engine, rtol=1e-9)
