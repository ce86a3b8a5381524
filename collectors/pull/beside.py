"""What a target exposes beside its float samples: exemplars. Each is handed on once; no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from collectors.pull.target_series import PageSeries
from collectors.wire.decoded import ExemplarRows, RefusalNotes
from collectors.wire.exposition_exemplars import ExemplarText
from collectors.wire.series_labels import KEY_SPACE, decode_series_key, encode_series_key
from telemetry.model.errors import InvalidInput
from telemetry.model.exemplars import Exemplar, ExemplarBatch
from telemetry.model.samples import Refusal


@dataclass(frozen=True, slots=True)
class Beside:
    """Of one page; keys as in remote write."""

    exemplars: Sequence[tuple[bytes, Exemplar]] = ()
    refusals: tuple[Refusal, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.exemplars)


NOTHING_BESIDE = Beside()


class BesideMemory:
    """Reads what stands beside the samples of one target, page after page."""

    def __init__(self, series: PageSeries) -> None:
        self._series = series
        self._keys: dict[bytes, bytes | None] = {}
        self._told: dict[bytes, bytes] = {}

    def page(self, exemplars: Sequence[ExemplarText], *, timestamp_ms: int) -> Beside:
        """What is new since the page before. Raises as `PageSeries.labels`."""
        if not exemplars:
            return NOTHING_BESIDE
        keys, told = self._keys, self._told
        self._keys, self._told = {}, {}
        rows: list[tuple[bytes, Exemplar]] = []
        notes = RefusalNotes()
        for each in exemplars:
            key = self._keys[each.series] = keys[each.series] if each.series in keys else self._key(each.series)
            self._told[each.series] = each.text
            if key is None or told.get(each.series) == each.text:
                continue
            try:
                rows.append((key, each.read(timestamp_ms)))
            except InvalidInput as error:
                notes.add("invalid_exemplar", f"an exemplar was refused: {error}")
        return Beside(rows, notes.all())

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
