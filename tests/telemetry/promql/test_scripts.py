"""Every case of Prometheus' own evaluation scripts, with error texts and annotations."""

import pytest

from telemetry.model.labels import labels_from
from telemetry.store import TelemetryStore
from tests.series import write_series
from tests.telemetry.batches import NOW_MS
from tests.telemetry.histograms import write_histograms
from tests.telemetry.promql.scripts import (
    MISSING,
    SCRIPTS,
    Case,
    Environment,
    Target,
    environments,
    failure_of,
    histograms_of,
    run_in_memory,
    samples_of,
)

pytestmark = pytest.mark.skipif(not SCRIPTS.is_dir(), reason=MISSING)

KNOWN_FAILURES: frozenset[str] = frozenset()
"""Cases (script:line) that are known to fail. It must not grow; take out what passes."""

DAY_MS = 86_400_000


def test_every_case_in_memory_passes_but_for_the_known_ones() -> None:
    results: dict[str, str] = {}
    for environment in environments():
        results |= run_in_memory(environment)
    assert len(results) > 700
    failed = {name: why for name, why in results.items() if why}
    assert set(failed) == KNOWN_FAILURES, failed


def test_every_case_in_the_store_passes_but_for_the_known_ones(store: TelemetryStore) -> None:
    """Moved to recent days, since the store does not keep 1970."""
    failed: dict[str, str] = {}
    for environment in environments():
        store.clear()
        failed |= _failures_in_store(environment, store)
    assert set(failed) <= KNOWN_FAILURES, failed


def _failures_in_store(environment: Environment, store: TelemetryStore) -> dict[str, str]:
    base = _base_of(environment)
    target = Target(store, delayed_names=environment.delayed_names)
    failed: dict[str, str] = {}
    for step in environment.steps:
        if not isinstance(step, Case):
            series = [
                (labels["__name__"], {name: value for name, value in labels.items() if name != "__name__"}, points)
                for labels, points in samples_of(step, base)
            ]
            if series:
                write_series(store, *series)
            if histograms := {labels_from(labels): points for labels, points in histograms_of(step, base)}:
                write_histograms(store, histograms)
        elif why := failure_of(step, target, base):
            failed[step.name] = why
    return failed


def _base_of(environment: Environment) -> int:
    """A day that begins long enough ago for all samples of the environment to be in the past."""
    loads = [step for step in environment.steps if not isinstance(step, Case)]
    span = max((len(values) * load.step for load in loads for _, values in load.series.values()), default=0)
    return (NOW_MS - span) // DAY_MS * DAY_MS - DAY_MS
