"""Pages are read by what they had last time; what a target has no longer is said to have ended."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.pull.job_config import PageLimits
from collectors.pull.relabel import RelabelRule
from collectors.pull.scrape_memory import PageCounts, PageRefused, PageRules, Piece, ScrapeMemory
from collectors.pull.target_series import NO_LIMITS, PageSeries
from collectors.wire.exposition import parse_exposition
from collectors.wire.exposition_series import TargetSeries
from collectors.wire.limits import DecodeLimits
from telemetry.model.errors import InvalidInput, LimitExceeded
from telemetry.model.samples import is_stale
from tests.collectors.wire.real_data import real

TARGET = TargetSeries((("instance", "a:1"), ("job", "j")))


def memory_of(*rules: RelabelRule, limits: PageLimits = NO_LIMITS, **more: bool) -> ScrapeMemory:
    return ScrapeMemory(PageRules(PageSeries(TARGET, rules, limits), DecodeLimits(), **more))


def told(pieces: list[Piece]) -> dict[str, float | str]:
    """Value by key, "stale" for markers."""
    found: dict[str, float | str] = {}
    for piece in pieces:
        stale = is_stale(piece.values)
        for at, key in enumerate(piece.keys):
            found[key.decode()] = "stale" if stale[at] else float(piece.values[at])
    return found


def read(memory: ScrapeMemory, text: str, at_ms: int) -> tuple[dict[str, float | str], PageCounts]:
    pieces, counts = memory.page(text.encode(), openmetrics=False, timestamp_ms=at_ms)
    return told(pieces), counts


def test_a_page_is_stored_with_what_was_counted() -> None:
    memory = memory_of()
    assert read(memory, "a 1\nb 2\n", 1000) == ({"a": 1.0, "b": 2.0}, PageCounts(2, 2, 2))
    assert read(memory, "a 3\nb 2\n", 2000) == ({"a": 3.0, "b": 2.0}, PageCounts(2, 2, 0))
    report = memory.report(PageCounts(2, 2, 0), up=True, duration_seconds=0.25, timestamp_ms=2000)
    assert told([report]) == {
        "up": 1.0,
        "scrape_duration_seconds": 0.25,
        "scrape_samples_scraped": 2.0,
        "scrape_samples_post_metric_relabeling": 2.0,
        "scrape_series_added": 0.0,
    }


def test_a_series_that_the_page_has_no_longer_ends_once() -> None:
    memory = memory_of()
    read(memory, "a 1\nb 2\n", 1000)
    assert read(memory, "b 2\nc 3\n", 2000) == ({"b": 2.0, "c": 3.0, "a": "stale"}, PageCounts(2, 2, 1))
    assert read(memory, "b 2\nc 3\n", 3000) == ({"b": 2.0, "c": 3.0}, PageCounts(2, 2, 0))


def test_a_failure_ends_everything_once_and_the_series_are_not_new_afterwards() -> None:
    memory = memory_of()
    read(memory, "a 1\n", 1000)
    assert told(memory.failure(2000)) == {"a": "stale"}
    assert memory.failure(3000) == []
    assert read(memory, "a 1\n", 4000) == ({"a": 1.0}, PageCounts(1, 1, 0))


def test_the_end_of_a_target_ends_the_synthetic_series_too() -> None:
    memory = memory_of()
    read(memory, "a 1\n", 1000)
    ended = told(memory.end(2000))
    assert set(ended.values()) == {"stale"}
    assert {"a", "up", "scrape_series_added"} <= ended.keys()


def test_markers_that_were_not_stored_are_sent_again_unless_the_series_is_back() -> None:
    memory = memory_of()
    read(memory, "a 1\nb 1\nc 1\n", 1000)
    lost, _ = memory.page(b"a 1\n", openmetrics=False, timestamp_ms=2000)
    memory.not_stored(lost)
    assert read(memory, "a 1\nb 1\n", 3000)[0] == {"a": 1.0, "b": 1.0, "c": "stale"}
    assert read(memory, "a 1\nb 1\n", 4000)[0] == {"a": 1.0, "b": 1.0}


def test_a_sample_with_a_time_of_its_own_does_not_end_unless_the_job_tracks_it() -> None:
    for tracked in (False, True):
        memory = memory_of(track_timestamps_staleness=tracked)
        read(memory, "a 1 500\nb 1\n", 1000)
        assert told(memory.failure(2000)) == ({"a": "stale", "b": "stale"} if tracked else {"b": "stale"})


def test_times_of_the_page_are_kept_or_left_as_the_job_says() -> None:
    for honoured, expected in ((True, [500]), (False, [1000])):
        memory = memory_of(honor_timestamps=honoured)
        for _ in range(2):  # parsed, then by its shape
            pieces, _ = memory.page(b"a 1 500\n", openmetrics=False, timestamp_ms=1000)
            assert np.broadcast_to(pieces[0].timestamps_ms, 1).tolist() == expected


def test_of_duplicates_the_first_is_stored_and_all_are_counted() -> None:
    drop_shard = RelabelRule("labeldrop", regex="shard")
    memory = memory_of(drop_shard)
    page = 'a{shard="1"} 1\na{shard="2"} 2\nb 3\nb 4\n'
    for added in (2, 0):
        assert read(memory, page, 1000) == ({'a{shard="1"}': 1.0, "b": 3.0}, PageCounts(4, 4, added))
    pieces, _ = memory.page(page.encode(), openmetrics=False, timestamp_ms=3000)
    assert dict(pieces[0].labels(b'a{shard="1"}')) == {"__name__": "a", "instance": "a:1", "job": "j"}


def test_metric_relabelling_drops_samples_and_says_how_many_are_left() -> None:
    memory = memory_of(RelabelRule("drop", source_labels=("__name__",), regex="go_.*"))
    assert read(memory, "go_x 1\na 2\n", 1000) == ({"a": 2.0}, PageCounts(2, 1, 1))
    assert read(memory, "go_x 1\ngo_y 1\na 2\n", 2000) == ({"a": 2.0}, PageCounts(3, 1, 0))
    assert read(memory, "go_x 1\ngo_y 2\na 3\n", 3000) == ({"a": 3.0}, PageCounts(3, 1, 0))


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (PageLimits(samples=1), "2 samples, over the job's sample_limit of 1"),
        (PageLimits(labels=3), "4 labels, over the job's label_limit of 3"),
        (PageLimits(label_name_bytes=7), "the label name '__name__', over the job's label_name_length_limit of 7"),
        (PageLimits(label_value_bytes=4), "a value of 5 bytes in label 'x', over the job's label_value_length_limit"),
    ],
)
def test_a_page_over_a_limit_is_refused_whole_by_the_name_of_the_limit(limits: PageLimits, sentence: str) -> None:
    memory = memory_of(limits=limits)
    with pytest.raises(LimitExceeded, match=sentence):
        memory.page(b'a{x="12345"} 1\nb 2\n', openmetrics=False, timestamp_ms=1000)
    assert memory.failure(1000) == []


def test_a_sample_limit_says_how_many_there_were_and_holds_for_known_pages() -> None:
    memory = memory_of(limits=PageLimits(samples=2))
    read(memory, "a 1\nb 1\n", 1000)
    with pytest.raises(PageRefused) as refused:
        read(memory, "a 1\nb 1\nc 1\n", 2000)
    assert refused.value.counts == PageCounts(3, 3, 0)


@pytest.mark.parametrize("bad", ["a 1_0\n", "a x\n", "a\n", "# TYPE a gauge\n# TYPE a nonsense\na 1\n", "a 1 2 3\n"])
def test_a_page_that_looks_like_the_last_but_is_not_understood_is_refused(bad: str) -> None:
    memory = memory_of()
    read(memory, "a 1\n", 1000)
    with pytest.raises(InvalidInput):
        read(memory, bad, 2000)


def test_another_type_is_noticed_though_all_series_are_the_same() -> None:
    memory = memory_of()
    read(memory, "# TYPE a gauge\na 1\n", 1000)
    pieces, _ = memory.page(b"# TYPE a counter\na 1\n", openmetrics=False, timestamp_ms=2000)
    assert [each.type for each in pieces[0].metadata] == ["counter"]


def test_an_openmetrics_page_that_was_cut_is_refused_though_it_was_whole_before() -> None:
    memory = memory_of()
    memory.page(b"a 1\n# EOF\n", openmetrics=True, timestamp_ms=1000)
    with pytest.raises(InvalidInput, match="EOF"):
        memory.page(b"a 1\n", openmetrics=True, timestamp_ms=2000)


NAMES = st.sampled_from(["a", 'b{x="1 2"}', 'b{x="#"}', "c", 'd{le="+Inf"}', "# HELP a words here", "# TYPE c gauge"])
VALUES = st.sampled_from(["1", "-2.5e3", "NaN", "+Inf", "0x1p3", "3 1700000000000", "4  ", "5\t6"])
PAGES = st.lists(st.tuples(NAMES, VALUES), max_size=8).map(
    lambda rows: "".join(f"{name}\n" if name[0] == "#" else f"{name} {value}\n" for name, value in rows)
)


@given(st.lists(PAGES, min_size=2, max_size=6))
def test_a_page_read_by_its_shape_says_what_parsing_says(pages: list[str]) -> None:
    memory = memory_of(track_timestamps_staleness=True)
    for number, text in enumerate(pages):
        at_ms = 1000 * (number + 1)
        parsed = parse_exposition(text.encode(), default_timestamp_ms=at_ms, target=TARGET, limits=DecodeLimits())
        pieces, counts = memory.page(text.encode(), openmetrics=False, timestamp_ms=at_ms)
        assert counts.scraped == len(parsed)
        expected: dict[tuple[bytes, int], str] = {}
        for key, timestamp, value in zip(parsed.keys, parsed.timestamps_ms.tolist(), parsed.values, strict=True):
            first_untimed = timestamp == at_ms and any(each == key for each, _ in expected)
            if not first_untimed:
                expected[key, timestamp] = str(value)
        found = {
            (key, timestamp): str(value)
            for piece in pieces
            if not piece.ended
            for key, timestamp, value in zip(
                piece.keys,
                np.broadcast_to(piece.timestamps_ms, len(piece.values)).tolist(),
                piece.values,
                strict=True,
            )
        }
        assert found.keys() == expected.keys()


@pytest.mark.parametrize(
    "name", ["node_exporter/node_exporter-1.11.1-scrape1.prom", "prometheus/prometheus-3.5.3.prom"]
)
def test_the_second_page_of_a_real_exporter_is_read_by_its_shape(name: str) -> None:
    page = real(f"expositions/{name}").read_bytes()
    memory = memory_of()
    first, counts = memory.page(page, openmetrics=False, timestamp_ms=1000)
    second, again = memory.page(page, openmetrics=False, timestamp_ms=2000)
    assert counts.added == len(first[0].values)
    assert again.added == 0
    assert second[0].keys is first[0].keys or list(second[0].keys) == list(first[0].keys)
    np.testing.assert_array_equal(second[0].values, first[0].values)
