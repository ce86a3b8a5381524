"""Fills a label index from the table `series`."""

from typing import Final

import numpy as np

from telemetry.store.engine import Engine
from telemetry.store.known import milliseconds
from telemetry.store.label_index import LabelIndex
from telemetry.store.series_reader import labels_of

_SQL: Final = (
    "SELECT id, any(labels) AS label_set, max(service).2 AS owner, min(first_seen) AS first, max(last_seen) AS last "
    "FROM series WHERE id % {parts:UInt64} = {part:UInt64} GROUP BY id ORDER BY id"
)
_ROWS: Final = 200_000
"""Series that are read at once, about."""


def load_labels(engine: Engine) -> LabelIndex:
    """An index equal to the table."""
    index = LabelIndex()
    count = int(engine.rows("SELECT uniq(id) FROM series")[0][0])
    parts = count // _ROWS + 1
    for part in range(parts):
        found = engine.arrow(_SQL, {"parts": parts, "part": part})
        index.add(
            found["id"].to_numpy().astype(np.uint64),
            labels_of(found["label_set"]),
            found["owner"].to_pylist(),
            milliseconds(found["first"]),
            milliseconds(found["last"]),
        )
    return index
