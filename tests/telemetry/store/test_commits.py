import numpy as np
import pytest

from telemetry.model.samples import STALE_NAN
from telemetry.store.commits import CommittedSamples, CommittedSeries
from tests.telemetry.batches import NOW_MS, sample_batch, series


class Notes:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.series: list[CommittedSeries] = []
        self.samples: list[CommittedSamples] = []
        self.histograms: list[int] = []
        self.changes = 0

    def series_committed(self, series: CommittedSeries) -> None:
        self.series.append(series)

    def samples_committed(self, samples: CommittedSamples) -> None:
        assert self.series, "series are told before their samples"
        self.samples.append(samples)

    def histograms_committed(self, timestamps_ms) -> None:
        self.histograms.extend(timestamps_ms.tolist())

    def contents_changed(self) -> None:
        self.changes += 1


@pytest.fixture
def notes(store):
    listener = Notes()
    store.add_commit_listener(listener)
    yield listener
    store.remove_commit_listener(listener)


def test_a_listener_knows_what_was_committed_before_the_sender_does(store, notes):
    up, load = series("up", job="api"), series("load", job="db")
    store.write_samples(sample_batch({up: [(NOW_MS, 1.0)], load: [(NOW_MS, STALE_NAN)]})).result(30)
    (new,), (samples,) = notes.series, notes.samples
    assert set(zip(new.labels, new.services, strict=True)) == {(up, "api"), (load, "db")}
    assert samples.numbers.tolist() == new.numbers.tolist()
    assert samples.ids.tolist() == new.ids.tolist()
    assert [samples.metric_names[code] for code in samples.metric_codes.tolist()] == ["up", "load"]
    assert samples.timestamps_ms.tolist() == new.first_ms.tolist() == new.last_ms.tolist() == [NOW_MS, NOW_MS]
    assert samples.values.view(np.uint64).tolist() == np.array([1.0, STALE_NAN]).view(np.uint64).tolist()


def test_a_known_series_is_not_told_again(store, notes):
    for step in range(3):
        store.write_samples(sample_batch({series("up"): [(NOW_MS - step, 1.0)]})).result(30)
    assert len(notes.samples) == 3
    assert [samples.timestamps_ms.tolist() for samples in notes.samples] == [[NOW_MS], [NOW_MS - 1], [NOW_MS - 2]]
    assert {number for told in notes.series for number in told.numbers.tolist()} == {0}


def test_a_listener_hears_of_rows_that_go(store, notes):
    store.write_samples(sample_batch({series("up", job="api"): [(NOW_MS, 1.0)]})).result(30)
    store.delete_service(["api"])
    assert notes.changes == 1
    store.remap_services()
    assert notes.changes == 2
