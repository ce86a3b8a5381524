"""What a target exposes beside its float samples: native histograms, and exemplars, each once. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from collectors.pull.target_series import PageSeries
from collectors.wire.decoded import ExemplarRows, HistogramRows, RefusalNotes
from collectors.wire.exposition_exemplars import ExemplarText
from collectors.wire.exposition_protobuf import HistogramText
from collectors.wire.series_labels import KEY_SPACE, decode_series_key, encode_series_key
from telemetry.model.errors import InvalidInput
from telemetry.model.exemplars import Exemplar, ExemplarBatch
from telemetry.model.histograms import Histogram, HistogramBatch
from telemetry.model.samples import STALE_NAN, Refusal


@dataclass(frozen=True, slots=True)
class Beside:
    """Of one page; keys as in remote write."""

    exemplars: Sequence[tuple[bytes, Exemplar]] = ()
    histograms: Sequence[tuple[bytes, int, Histogram]] = ()
    """Key, timestamp_ms and value, staleness markers among them."""
    refusals: tuple[Refusal, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.exemplars) + len(self.histograms)


NOTHING_BESIDE: Final = Beside()
_STALE: Final = Histogram(schema=0, count=0.0, sum=STALE_NAN)


class BesideMemory:
    """Reads what stands beside the samples of one target, page after page."""

    def __init__(self, series: PageSeries, *, honor_timestamps: bool = True) -> None:
        self._series = series
        self._honor_timestamps = honor_timestamps
        self._keys: dict[bytes, bytes | None] = {}
        self._told: dict[bytes, bytes] = {}
        self._live: set[bytes] = set()
        self.histograms = 0
        """Native histograms of the last page that are stored."""

    def page(
        self, exemplars: Sequence[ExemplarText], histograms: Sequence[HistogramText] = (), *, timestamp_ms: int
    ) -> Beside:
        """What a page says, exemplars only if they are new. Raises as `PageSeries.labels`."""
        if not exemplars and not histograms and not self._keys:
            return NOTHING_BESIDE
        present = {each.series for each in exemplars} | {each.series for each in histograms}
        self._keys = {one: self._keys[one] if one in self._keys else self._key(one) for one in present}
        notes = RefusalNotes()
        found = self._new_exemplars(exemplars, timestamp_ms, notes)
        return Beside(found, self._histograms(histograms, timestamp_ms), notes.all())

    def failure(self, timestamp_ms: int) -> Beside:
        """Staleness markers for every native histogram that the target had."""
        return Beside(histograms=self._histograms((), timestamp_ms))

    def _new_exemplars(
        self, exemplars: Sequence[ExemplarText], timestamp_ms: int, notes: RefusalNotes
    ) -> list[tuple[bytes, Exemplar]]:
        before, self._told = self._told, {each.series: each.text for each in exemplars}
        rows: list[tuple[bytes, Exemplar]] = []
        for each in exemplars:
            key = self._keys[each.series]
            if key is None or before.get(each.series) == each.text:
                continue
            try:
                rows.append((key, each.read(timestamp_ms)))
            except InvalidInput as error:
                notes.add("invalid_exemplar", f"an exemplar was refused: {error}")
        return rows

    def _histograms(self, histograms: Sequence[HistogramText], timestamp_ms: int) -> list[tuple[bytes, int, Histogram]]:
        """Histograms of a page, and markers for series that ended; a repeated series is taken once."""
        rows: dict[bytes, tuple[bytes, int, Histogram]] = {}
        live: set[bytes] = set()
        for each in histograms:
            key = self._keys[each.series]
            if key is None or key in rows:
                continue
            own = each.timestamp_ms if self._honor_timestamps else None
            rows[key] = (key, timestamp_ms if own is None else own, each.histogram)
            if own is None:
                live.add(key)
        self.histograms = len(rows)
        ended = self._live - rows.keys()
        self._live = live
        return [*rows.values(), *((key, timestamp_ms, _STALE) for key in ended)]

    def _key(self, series: bytes) -> bytes | None:
        """Key of a series of the page, None if a rule drops it."""
        labels = self._series.labels(series)
        return None if labels is None else encode_series_key(labels)


def exemplars_of(gathered: Sequence[Beside]) -> ExemplarBatch | None:
    """All exemplars as one batch; None if there are none."""
    rows = ExemplarRows()
    for beside in gathered:
        for key, exemplar in beside.exemplars:
            rows.add(key, exemplar)
    return rows.batch(KEY_SPACE, decode_series_key)


def histograms_of(gathered: Sequence[Beside]) -> HistogramBatch | None:
    """All native histograms as one batch; None if there are none."""
    rows = HistogramRows()
    for beside in gathered:
        for key, timestamp_ms, histogram in beside.histograms:
            rows.add(key, timestamp_ms, histogram)
    return rows.batch(KEY_SPACE, decode_series_key)
