"""Lines of the store through the stages that remain, to samples or to entries."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

import orjson
import pyarrow as pa

from telemetry.logql.ast import LabelFilter, Stage, Unwrap
from telemetry.logql.conversions import parse_bytes, parse_float, parse_go_duration_ns
from telemetry.logql.entry import PRESERVE_ERROR, Entry
from telemetry.logql.errors import pipeline_error
from telemetry.logql.json_lines import sanitized
from telemetry.logql.run import Run
from telemetry.logql.samples import Collector, Labelling
from telemetry.logql.stages import Step, compile_stage
from telemetry.model.labels import Labels
from telemetry.store.log_lines import StreamSet
from telemetry.syntax.quoting import quote

EXTRACTION_ERROR: Final = "SampleExtractionErr"
_CHECK_EVERY: Final = 4096
Extract = Callable[[Entry], float | None]


def entries(run: Run, streams: StreamSet, table: pa.Table, stages: tuple[Stage, ...]) -> Iterator[Entry]:
    """Entries that pass all stages, in the order of the table."""
    steps = [compile_stage(stage) for stage in stages]
    bases = {identity: stream_labels(labels) for identity, labels in zip(streams.ids, streams.labels, strict=True)}
    for batch in table.to_batches(max_chunksize=_CHECK_EVERY):
        run.check_time()
        yield from _of_batch(run, batch, bases, steps)


def _of_batch(run: Run, batch: pa.RecordBatch, bases: dict[int, dict[str, str]], steps: list[Step]) -> Iterator[Entry]:
    columns = (batch.column(name).to_pylist() for name in ("stream", "time", "line", "metadata"))
    run.statistics.lines += batch.num_rows
    run.statistics.bytes += batch.column("line").nbytes
    for stream, time_ns, line, metadata in zip(*columns, strict=True):
        entry = Entry(time_ns, line, bases[stream], metadata_labels(metadata) if metadata else {})
        for step in steps:
            if not step(entry):
                break
        else:
            yield entry


@lru_cache(maxsize=65_536)
def _as_label_names(labels: Labels) -> tuple[tuple[str, str], ...]:
    return tuple((name if name.isidentifier() else sanitized(name), value) for name, value in labels)


def stream_labels(labels: Labels) -> dict[str, str]:
    """Labels of a stream; resource attributes with dots in their names get underscores."""
    return dict(_as_label_names(labels))


@lru_cache(maxsize=16_384)
def metadata_labels(text: str) -> dict[str, str]:
    """Structured metadata of a record, nested attributes joined by `_`. Not to be changed."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    labels: dict[str, str] = {}
    if isinstance(found, dict):
        _flatten(found, "", labels)
    return labels


def _flatten(pairs: dict[str, object], prefix: str, labels: dict[str, str]) -> None:
    for name, value in pairs.items():
        label = sanitized(f"{prefix}_{name}" if prefix else name)
        match value:
            case str():
                labels[label] = value
            case dict():
                _flatten(value, label, labels)
            case None:
                pass
            case _:
                labels[label] = orjson.dumps(value).decode()


def collect(run: Run, found: Iterator[Entry], collector: Collector, labelling: Labelling, extract: Extract) -> None:
    """Take a sample of each entry. Raises EvaluationError for an entry with an error label."""
    for entry in found:
        value = extract(entry)
        if value is None:
            continue
        if entry.error and entry.labels.get(PRESERVE_ERROR) != "true":
            raise pipeline_error(entry.error, _shown(entry.label_set()))
        collector.add(labelling(entry.label_set()), entry.time_ns, value)
        run.check_series(len(collector))


def _shown(labels: Labels) -> str:
    return "{" + ", ".join(f"{name}={quote(value)}" for name, value in labels) + "}"


def one_a_line(_entry: Entry) -> float | None:
    return 1.0


def bytes_of_line(entry: Entry) -> float | None:
    return float(len(entry.line.encode("utf-8", "surrogatepass")))


def unwrapped(unwrap: Unwrap) -> Extract:
    """Number in a label; lines without the label have no sample. Filters after unwrap see its errors."""
    convert = _CONVERSIONS[unwrap.conversion]
    filters = [compile_stage(LabelFilter(condition)) for condition in unwrap.filters]

    def extract(entry: Entry) -> float | None:
        text = entry.get(unwrap.label)
        if not text:
            return None
        try:
            value = convert(text)
        except ValueError as error:
            entry.fail(EXTRACTION_ERROR, str(error))
            value = 0.0
        return value if all(holds(entry) for holds in filters) else None

    return extract


def _seconds(text: str) -> float:
    return parse_go_duration_ns(text) / 1e9


_CONVERSIONS: Final[dict[str, Callable[[str], float]]] = {
    "": parse_float,
    "bytes": lambda text: float(parse_bytes(text)),
    "duration": _seconds,
    "duration_seconds": _seconds,
}
