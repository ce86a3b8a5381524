"""Rows of the tables `series` and `log_streams`: what was seen first or again, in one committed group."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry.model.labels import Labels
from telemetry.store.catalogue import Catalogue

LABELS_TYPE = pa.map_(pa.string(), pa.string())
SERVICE_TYPE = pa.struct([("decided_ms", pa.uint64()), ("name", pa.string())])


@dataclass(frozen=True, slots=True)
class Sightings:
    """Dense numbers with the labels and the first and last time to write."""

    indices: NDArray[np.int64]
    labels: list[Labels]
    first_ms: NDArray[np.int64]
    last_ms: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.indices)


def collect_sightings(
    catalogue: Catalogue,
    labels_by_index: Mapping[int, Labels],
    indices: NDArray[np.int64],
    timestamps_ms: NDArray[np.int64],
) -> Sightings:
    """Those of `labels_by_index` whose rows in (indices, timestamps_ms) are not covered by committed sightings."""
    candidates = np.array(sorted(labels_by_index), dtype=np.int64)
    first, last = _extent(candidates, indices, timestamps_ms)
    first, last = catalogue.seen_with(candidates, first, last)
    needed = catalogue.overdue(candidates, first) | catalogue.overdue(candidates, last)
    chosen = candidates[needed]
    return Sightings(chosen, [labels_by_index[index] for index in chosen.tolist()], first[needed], last[needed])


def _extent(
    candidates: NDArray[np.int64], indices: NDArray[np.int64], timestamps_ms: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(min, max) timestamp of each candidate; candidates without a row get (int64 max, int64 min)."""
    first = np.full(len(candidates), np.iinfo(np.int64).max)
    last = np.full(len(candidates), np.iinfo(np.int64).min)
    at = np.searchsorted(candidates, indices)
    at[at == len(candidates)] = 0
    mine = candidates[at] == indices if len(candidates) else np.zeros(len(indices), bool)
    np.minimum.at(first, at[mine], timestamps_ms[mine])
    np.maximum.at(last, at[mine], timestamps_ms[mine])
    return first, last


def labels_array(labels: Iterable[Labels]) -> pa.MapArray:
    """Arrow map column of label sets, in their order."""
    return pa.array([list(pairs) for pairs in labels], LABELS_TYPE)


def service_array(decided_ms: Iterable[int], names: Iterable[str]) -> pa.StructArray:
    """Arrow column of (decided_ms, name), of which the engine keeps the largest."""
    return pa.StructArray.from_arrays(
        [pa.array(decided_ms, pa.uint64()), pa.array(names, pa.string())], fields=list(SERVICE_TYPE)
    )


def sighting_columns(catalogue: Catalogue, sightings: Sightings) -> dict[str, pa.Array]:
    """Columns that both tables share."""
    at = sightings.indices
    services = [catalogue.service_names.names[code] for code in catalogue.services.view[at]]
    return {
        "id": pa.array(catalogue.ids.view[at]),
        "bound": catalogue.bound_names.dictionary_array(catalogue.bounds.view[at]),
        "service": service_array(catalogue.decided_ms.view[at].astype(np.uint64), services),
        "labels": labels_array(sightings.labels),
        "first_seen": pa.array(sightings.first_ms, pa.timestamp("ms", "UTC")),
        "last_seen": pa.array(sightings.last_ms, pa.timestamp("ms", "UTC")),
    }
