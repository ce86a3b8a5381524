"""What a target had and has no longer is said to have ended."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.pull.scrape_memory import REPORT_SERIES, ScrapeMemory
from collectors.wire.exposition import parse_exposition
from collectors.wire.exposition_series import TargetSeries
from collectors.wire.limits import DecodeLimits
from telemetry.model.samples import SampleBatch, is_stale

SERIES = TargetSeries((("instance", "a:1"), ("job", "j")))


def page(memory: ScrapeMemory, text: str, at_ms: int) -> SampleBatch:
    parsed = parse_exposition(
        text.encode(), default_timestamp_ms=at_ms, target=SERIES, known=memory.known, limits=DecodeLimits()
    )
    return memory.page(parsed, at_ms, 0.25)


def told(batch: SampleBatch) -> dict[str, float | str]:
    """Value by key, "stale" for markers; the synthetic series left out."""
    stale = is_stale(batch.values)
    return {
        batch.keys[key].decode(): "stale" if stale[at] else float(batch.values[at])
        for at, key in enumerate(batch.key_index)
        if batch.keys[key] not in REPORT_SERIES
    }


def report(batch: SampleBatch) -> dict[str, float]:
    names = {key: name.decode() for key, name in enumerate(batch.keys) if name in REPORT_SERIES}
    return {names[key]: float(batch.values[at]) for at, key in enumerate(batch.key_index) if key in names}


def test_a_page_is_stored_with_the_synthetic_series() -> None:
    memory = ScrapeMemory(SERIES)
    batch = page(memory, 'a 1\nb{x="y"} 2\n', 1000)
    assert told(batch) == {"a": 1, 'b{x="y"}': 2}
    assert report(batch) == {
        "up": 1, "scrape_duration_seconds": 0.25, "scrape_samples_scraped": 2,
        "scrape_samples_post_metric_relabeling": 2, "scrape_series_added": 2,
    }  # fmt: skip
    assert set(batch.timestamps_ms.tolist()) == {1000}
    assert batch.decode_key(b"up") == (("__name__", "up"), ("instance", "a:1"), ("job", "j"))
    assert {each.metric for each in batch.metadata} == {name.decode() for name in REPORT_SERIES}


def test_a_series_that_vanishes_ends_once() -> None:
    memory = ScrapeMemory(SERIES)
    page(memory, "a 1\nb 2\n", 1000)
    memory.commit()
    second = page(memory, "b 2\nc 3\n", 2000)
    assert told(second) == {"b": 2, "c": 3, "a": "stale"}
    assert report(second)["scrape_series_added"] == 1
    memory.commit()
    assert told(page(memory, "b 2\nc 3\n", 3000)) == {"b": 2, "c": 3}


def test_what_was_not_stored_is_not_compared_with() -> None:
    memory = ScrapeMemory(SERIES)
    page(memory, "a 1\n", 1000)
    memory.commit()
    page(memory, "b 1\n", 2000)  # the store was busy: no commit, so `a` has not been told to have ended
    assert told(page(memory, "b 1\n", 3000)) == {"b": 1, "a": "stale"}


def test_a_failure_ends_everything_but_says_that_the_target_is_down() -> None:
    memory = ScrapeMemory(SERIES)
    page(memory, "a 1\nb 2\n", 1000)
    memory.commit()
    failed = memory.failure(2000, 10.0)
    assert told(failed) == {"a": "stale", "b": "stale"}
    assert (report(failed)["up"], report(failed)["scrape_duration_seconds"]) == (0, 10.0)
    memory.commit()
    assert told(memory.failure(3000, 10.0)) == {}
    assert told(page(memory, "a 1\n", 4000)) == {"a": 1}


def test_the_end_of_a_target_ends_its_synthetic_series_too() -> None:
    memory = ScrapeMemory(SERIES)
    page(memory, "a 1\n", 1000)
    memory.commit()
    page(memory, "b 1\n", 2000)  # cancelled before anybody knew whether it was stored
    ended = memory.end(3000)
    assert set(ended.keys) == {b"a", b"b", *REPORT_SERIES}
    assert is_stale(ended.values).all()


def test_a_sample_with_its_own_time_does_not_end() -> None:
    memory = ScrapeMemory(SERIES)
    first = page(memory, "a 1 500\nb 2\n", 1000)
    assert first.timestamps_ms[:2].tolist() == [500, 1000]
    memory.commit()
    assert told(page(memory, "c 1\n", 2000)) == {"c": 1, "b": "stale"}


def test_a_page_that_exposes_up_itself_does_not_end_ours() -> None:
    memory = ScrapeMemory(SERIES)
    page(memory, "up 1\n", 1000)
    memory.commit()
    batch = page(memory, "a 1\n", 2000)
    assert not is_stale(batch.values).any()


NAMES = st.sets(st.sampled_from("abcdef"))


@given(st.lists(NAMES, max_size=8))
def test_told_changes_add_up_to_what_is_there(pages: list[set[str]]) -> None:
    memory, alive = ScrapeMemory(SERIES), set()
    for number, names in enumerate(pages):
        batch = page(memory, "".join(f"{name} 1\n" for name in names), 1000 * number)
        memory.commit()
        for name, value in told(batch).items():
            assert (value == "stale") is (name not in names)
            alive.discard(name) if value == "stale" else alive.add(name)
        assert alive == names


@pytest.mark.parametrize("honor", [False, True])
def test_labels_of_the_page_win_only_if_they_are_honoured(honor: bool) -> None:
    series = TargetSeries((("instance", "a:1"), ("job", "j")), honor)
    labels = dict(series.labels(b'm{job="theirs",x="y"}'))
    assert labels["job"] == ("theirs" if honor else "j")
    assert labels.get("exported_job") == (None if honor else "theirs")


def test_batches_are_columns_of_equal_length() -> None:
    memory = ScrapeMemory(SERIES)
    for batch in (page(memory, "a 1\n", 1), memory.failure(2, 0.1), memory.end(3)):
        assert len(batch.key_index) == len(batch.timestamps_ms) == len(batch.values)
        assert batch.key_index.dtype == batch.timestamps_ms.dtype == np.int64
        assert batch.values.dtype == np.float64
