"""How rules ask and write: PromQL over the store of this process, and batches into it."""

from typing import Final

import numpy as np
import orjson
from django.conf import settings

from policies.rules.alert_state import RuleFailed
from policies.rules.evaluation import Vector
from telemetry.model.errors import StoreUnavailable
from telemetry.model.labels import Labels
from telemetry.model.samples import Frame, SampleBatch
from telemetry.promql.engine import Engine, QueryResult, ScalarResult
from telemetry.promql.run import Options
from telemetry.store import current
from telemetry.store.query_log import QueryNote, now_ms

KEY_SPACE: Final = "rules"
COMMIT_SECONDS: Final = 60.0


def ask_store(actor: str, expression: str, time_ms: int) -> Vector:
    """Samples of an instant vector or scalar. Raises RuleFailed for another kind of result, and what queries raise."""
    store = current()
    result = Engine(store, Options.of(settings.TELEMETRY)).instant(expression, time_ms)
    cost = result.statistics
    store.note_query(
        QueryNote(
            now_ms(),
            actor,
            "rule",
            "promql",
            expression,
            "success",
            cost.series,
            cost.samples,
            cost.seconds,
            sorted(cost.metrics),
            listed=False,
        )
    )
    return vector_of(result)


def vector_of(result: QueryResult) -> Vector:
    """Samples of a result. Raises RuleFailed for text and ranges."""
    value = result.value
    if isinstance(value, ScalarResult):
        return [((), float(value.values[0]))]
    if isinstance(value, Frame):
        rows = np.flatnonzero(value.present[:, 0]).tolist()
        return [(value.labels[row], float(value.values[row, 0])) for row in rows]
    raise RuleFailed("rule result is not a vector or scalar")


def write_store(samples: Vector, time_ms: int) -> None:
    """Commit samples of one time. Raises RuleFailed naming what was refused, StoreBusy, StoreUnavailable."""
    if not samples:
        return
    future = current().write_samples(batch_of(samples, time_ms))
    try:
        receipt = future.result(COMMIT_SECONDS)
    except TimeoutError as error:
        raise StoreUnavailable(f"the samples were not committed within {COMMIT_SECONDS:g} s") from error
    if receipt.refusals:
        raise RuleFailed("; ".join(refusal.message for refusal in receipt.refusals))


def batch_of(samples: Vector, time_ms: int) -> SampleBatch:
    """Samples of one time as columns."""
    return SampleBatch(
        key_space=KEY_SPACE,
        keys=[orjson.dumps(labels) for labels, _ in samples],
        decode_key=_labels,
        key_index=np.arange(len(samples), dtype=np.int64),
        timestamps_ms=np.full(len(samples), time_ms, dtype=np.int64),
        values=np.array([value for _, value in samples], dtype=np.float64),
    )


def _labels(key: bytes) -> Labels:
    return tuple((name, value) for name, value in orjson.loads(key))
