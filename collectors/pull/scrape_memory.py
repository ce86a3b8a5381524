"""What a target exposed last, so that the next page is read quickly and it is seen what ended. No I/O.

Sources: https://prometheus.io/docs/concepts/jobs_instances/ and
https://prometheus.io/docs/prometheus/latest/querying/basics/#staleness
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from collectors.pull.beside import BesideMemory
from collectors.pull.page_layout import Layout, with_shape
from collectors.pull.target_series import PageSeries, Remembered
from collectors.wire.exposition import parse_exposition
from collectors.wire.limits import DecodeLimits
from telemetry.model.errors import LimitExceeded
from telemetry.model.labels import Labels
from telemetry.model.samples import STALE_NAN, MetricMetadata, SampleBatch

REPORT_SERIES: Final = (
    b"up",
    b"scrape_duration_seconds",
    b"scrape_samples_scraped",
    b"scrape_samples_post_metric_relabeling",
    b"scrape_series_added",
)
"""Synthetic series of every target."""

REPORT_METADATA: Final = (
    MetricMetadata("up", "gauge", "Whether the last scrape of the target succeeded."),
    MetricMetadata("scrape_duration_seconds", "gauge", "How long the scrape took.", "seconds"),
    MetricMetadata("scrape_samples_scraped", "gauge", "Samples that the target exposed."),
    MetricMetadata("scrape_samples_post_metric_relabeling", "gauge", "Samples left after metric relabeling."),
    MetricMetadata("scrape_series_added", "gauge", "Series that the scrape before did not have."),
)


@dataclass(frozen=True, slots=True)
class PageRules:
    """How the pages of one target are read."""

    series: PageSeries
    limits: DecodeLimits
    honor_timestamps: bool = True
    track_timestamps_staleness: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples of one target, one a series, in columns; `numbers` are filled in when they are stored."""

    memory: "ScrapeMemory"
    keys: Sequence[bytes]
    numbers: NDArray[np.int64]
    values: NDArray[np.float64]
    timestamps_ms: NDArray[np.int64] | int
    """One for all of them where it is a number."""
    metadata: Sequence[MetricMetadata] = ()
    is_report: bool = False
    ended: bool = False
    """Staleness markers: they are owed until they are stored."""

    def labels(self, key: bytes) -> Labels:
        return self.memory.labels(key, report=self.is_report)


@dataclass(slots=True)
class PageCounts:
    """What the synthetic series say of a page."""

    scraped: int = 0
    after_relabel: int = 0
    added: int = 0

    def with_further(self, samples: int) -> "PageCounts":
        """With native histograms, which no rule dropped."""
        return PageCounts(self.scraped + samples, self.after_relabel + samples, self.added)


class PageRefused(LimitExceeded):
    """A page was read and passed a limit of its job; `counts` say what it had."""

    def __init__(self, sentence: str, limit_name: str, counts: PageCounts) -> None:
        super().__init__(sentence, limit_name=limit_name)
        self.counts = counts


@dataclass(slots=True)
class _Known:
    """The layout that the last good page had, and the numbers of its stored series."""

    layout: Layout
    numbers: NDArray[np.int64]


class ScrapeMemory:
    """Reads the pages of one target, one after the other."""

    def __init__(self, rules: PageRules) -> None:
        self._rules = rules
        self._known: _Known | None = None
        self._live = False
        """Whether the series of the last good page have not ended."""
        self._report_numbers = np.full(len(REPORT_SERIES), -1, dtype=np.int64)
        self._owed: dict[bytes, int] = {}
        self._fresh: dict[bytes, Labels] = {}
        self._told = False
        self.beside = BesideMemory(rules.series, honor_timestamps=rules.honor_timestamps)
        self.epoch = -1
        """Epoch of the store that the numbers belong to."""

    def page(self, page: bytes, *, openmetrics: bool, timestamp_ms: int) -> tuple[list[Piece], PageCounts]:
        """Samples of `page`, and staleness markers for series that it no longer has.

        Raises InvalidInput naming the line that is not understood, LimitExceeded; then nothing is taken.
        """
        known = self._known
        found = known.layout.read(page, openmetrics=openmetrics) if known else None
        if known is not None and found is not None:
            self._check_count(known.layout, PageCounts(len(known.layout.keys), known.layout.after_relabel))
            self._live = True
            pieces = self._pieces(known, found.values, found.timestamps_ms, timestamp_ms, self._debts(timestamp_ms))
            return pieces, self._counts(known.layout, 0)
        return self._other_page(page, openmetrics, timestamp_ms)

    def report(self, counts: PageCounts, *, up: bool, duration_seconds: float, timestamp_ms: int) -> Piece:
        """The synthetic series of one scrape."""
        values = np.array([float(up), duration_seconds, counts.scraped, counts.after_relabel, counts.added])
        metadata = () if self._told else REPORT_METADATA
        self._told = True
        return Piece(self, REPORT_SERIES, self._report_numbers, values, timestamp_ms, metadata, is_report=True)

    def failure(self, timestamp_ms: int) -> list[Piece]:
        """Staleness markers for everything that the target had."""
        ended, self._live = self._all_ending() if self._live else {}, False
        return self._ended({**self._owed, **ended}, timestamp_ms)

    def end(self, timestamp_ms: int) -> list[Piece]:
        """Staleness markers for everything, the synthetic series too: the target is no longer scraped."""
        report = Piece(
            self, REPORT_SERIES, self._report_numbers, _stale(len(REPORT_SERIES)), timestamp_ms, is_report=True
        )
        return [*self.failure(timestamp_ms), report]

    def labels(self, key: bytes, *, report: bool) -> Labels:
        """Labels of a series that a piece names."""
        if report:
            return self._rules.series.report_labels(key)
        return self._fresh.get(key) or self._rules.series.labels(key) or ()

    def stored(self) -> None:
        """Everything that was given out is stored."""
        self._fresh = {}

    def not_stored(self, pieces: Iterable[Piece]) -> None:
        """These pieces are lost; what they said of ended series is said again."""
        self._told = False
        for piece in pieces:
            if piece.ended:
                self._owed.update(zip(piece.keys, piece.numbers.tolist(), strict=True))

    @property
    def series_count(self) -> int:
        """Series that the target has now."""
        return len(self._known.numbers) if self._known and self._live else 0

    def _other_page(self, page: bytes, openmetrics: bool, timestamp_ms: int) -> tuple[list[Piece], PageCounts]:
        """A page of a new shape: parsed, compared, remembered."""
        self._fresh = {}
        before = self._known
        old_keys = before.layout.stored_keys if before else ()
        numbers = dict(zip(old_keys, before.numbers.tolist(), strict=True)) if before else {}
        plain = Remembered(self._rules.series.plain)
        batch = parse_exposition(
            page,
            default_timestamp_ms=timestamp_ms,
            openmetrics=openmetrics,
            target=plain,
            known=frozenset(before.layout.keys) if before else frozenset(),
            limits=self._rules.limits,
        )
        layout = self._layout(batch, timestamp_ms, before.layout if before else None, numbers, plain)
        counts = PageCounts(len(layout.keys), layout.after_relabel)
        self._check_count(layout, counts)
        stored = layout.stored_keys
        known = _Known(with_shape(layout, page), np.fromiter((numbers.get(key, -1) for key in stored), np.int64))
        new = set(stored)
        ended = self._all_ending() if self._live else {}
        ended = {key: number for key, number in {**self._owed, **ended}.items() if key not in new}
        self._known, self._live = known, True
        times = batch.timestamps_ms if self._rules.honor_timestamps else None
        times = None if times is None or (times == timestamp_ms).all() else times
        pieces = self._pieces(known, batch.values, times, timestamp_ms, self._ended(ended, timestamp_ms))
        return pieces, self._counts(layout, sum(1 for key in stored if key not in numbers))

    def _layout(
        self, batch: SampleBatch, timestamp_ms: int, before: Layout | None, numbers: dict[bytes, int], plain: Remembered
    ) -> Layout:
        """Which samples of a parsed page are stored, and which of their series can end."""
        timed = (batch.timestamps_ms != timestamp_ms) & self._rules.honor_timestamps
        dropped, twins = (set(before.dropped), set(before.twins)) if before else (set(), set())
        seen: set[bytes] = set()
        taken: set[Labels] = set()
        kept: list[int] = []
        after_relabel = 0
        for position, key in enumerate(batch.keys):
            if key not in numbers and key not in self._fresh and key not in dropped and key not in twins:
                self._decide(key, plain, dropped, twins, taken)
            if key in dropped:
                continue
            after_relabel += 1
            if key not in twins and (key not in seen or timed[position]):
                kept.append(position)
                seen.add(key)
        present = set(batch.keys) if dropped or twins else set()
        return Layout(
            keys=batch.keys,
            kept=None if len(kept) == len(batch.keys) else np.array(kept, dtype=np.int64),
            after_relabel=after_relabel,
            ending=self._ending(batch.keys, kept, timed),
            dropped=frozenset(dropped & present),
            twins=frozenset(twins & present),
            metadata=batch.metadata,
        )

    def _decide(
        self, key: bytes, plain: Remembered, dropped: set[bytes], twins: set[bytes], taken: set[Labels]
    ) -> None:
        """Whether a series that was not seen before is dropped by a rule, or is another text for the same one."""
        labels = self._rules.series.final(plain.labels(key))
        if labels is None:
            dropped.add(key)
        elif labels in taken:
            twins.add(key)
        else:
            taken.add(labels)
            self._fresh[key] = labels

    def _ending(self, keys: Sequence[bytes], kept: list[int], timed: NDArray[np.bool_]) -> tuple[bytes, ...] | None:
        if self._rules.track_timestamps_staleness or not timed.any():
            return None
        # A sample with a timestamp of its own says when it was true; it does not end because a page lacks it.
        return tuple(keys[position] for position in kept if not timed[position])

    def _check_count(self, layout: Layout, counts: PageCounts) -> None:
        most = self._rules.series.limits.samples
        if most and layout.after_relabel > most:
            sentence = f"the page has {layout.after_relabel} samples, over the job's sample_limit of {most}"
            raise PageRefused(sentence, "sample_limit", counts)

    def _counts(self, layout: Layout, added: int) -> PageCounts:
        return PageCounts(len(layout.keys), layout.after_relabel, added)

    def _pieces(
        self,
        known: _Known,
        values: NDArray[np.float64],
        times: NDArray[np.int64] | None,
        timestamp_ms: int,
        others: list[Piece],
    ) -> list[Piece]:
        layout = known.layout
        if layout.kept is not None:
            values = values[layout.kept]
            times = times if times is None else times[layout.kept]
        at = timestamp_ms if times is None or not self._rules.honor_timestamps else times
        metadata = () if self._told and not others and not self._fresh else layout.metadata
        page = Piece(self, layout.stored_keys, known.numbers, values, at, metadata)
        return [page, *others] if len(values) else others

    def _debts(self, timestamp_ms: int) -> list[Piece]:
        """Markers that were lost, of series that are still gone."""
        if not self._owed or self._known is None:
            return []
        present = set(self._known.layout.stored_keys)
        return self._ended({key: number for key, number in self._owed.items() if key not in present}, timestamp_ms)

    def _all_ending(self) -> dict[bytes, int]:
        if self._known is None:
            return {}
        numbers = dict(zip(self._known.layout.stored_keys, self._known.numbers.tolist(), strict=True))
        return {key: numbers[key] for key in self._known.layout.ending_keys}

    def _ended(self, ended: dict[bytes, int], timestamp_ms: int) -> list[Piece]:
        self._owed = {}
        if not ended:
            return []
        numbers = np.fromiter(ended.values(), np.int64, len(ended))
        return [Piece(self, list(ended), numbers, _stale(len(ended)), timestamp_ms, ended=True)]


def _stale(count: int) -> NDArray[np.float64]:
    """`count` staleness markers, bit for bit."""
    return np.full(count, STALE_NAN, dtype=np.float64)
