"""Our own evaluation scripts; their answers are those of Prometheus 3.5.3."""

from pathlib import Path

import pytest

from telemetry.model.errors import TelemetryError
from telemetry.model.samples import Frame
from telemetry.promql.engine import Engine, QueryResult, Samples, ScalarResult
from telemetry.promql.source import MemorySource
from tests.telemetry.promql.notation import Evaluation, Load, Row, alike, read_script

SCRIPTS = sorted((Path(__file__).parent / "cases").glob("*.test"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_own_script(path: Path) -> None:
    source = MemorySource()
    problems: list[str] = []
    for command in read_script(path):
        if isinstance(command, Load):
            for labels, values in command.rows:
                times = range(0, len(values) * command.step_ms, command.step_ms)
                points = zip(times, values, strict=True)
                source.add(labels, [(at, value) for at, value in points if value is not None])
        elif problem := _problem(command, Engine(source)):
            problems.append(f"{path.name}:{command.line} {command.expression}: {problem}")
    assert not problems, "\n".join(problems)


def _problem(wanted: Evaluation, engine: Engine) -> str:
    try:
        if wanted.is_range:
            result = engine.range(wanted.expression, wanted.grid)
        else:
            result = engine.instant(wanted.expression, wanted.grid.start_ms)
    except TelemetryError as error:
        return "" if wanted.failure == str(error) else f"fails: {error}"
    if wanted.failure:
        return "does not fail"
    return _notes_problem(wanted, result) or _value_problem(wanted, result)


def _notes_problem(wanted: Evaluation, result: QueryResult) -> str:
    for kind, expected, given in (
        ("warning", wanted.warnings, result.warnings),
        ("info", wanted.infos, result.infos),
    ):
        shown = {note.rpartition(" (")[0] for note in given}
        if shown != set(expected):
            return f"{kind}s are {sorted(shown)}"
    return ""


def _value_problem(wanted: Evaluation, result: QueryResult) -> str:
    match result.value:
        case ScalarResult() as scalar:
            expected = [wanted.scalar] if wanted.scalar is not None else wanted.rows[0][1]
            return "" if all(map(alike, scalar.values.tolist(), expected)) else f"gives {scalar.values}"
        case Frame() as frame:
            return _rows_problem(wanted, _rows_of_frame(frame))
        case Samples() as samples:
            return _rows_problem(wanted, _rows_of_samples(wanted, samples))
        case text:
            return f"gives the text {text!r}"


def _rows_of_frame(frame: Frame) -> list[Row]:
    return [
        (labels, [value if shown else None for value, shown in zip(values.tolist(), present.tolist(), strict=True)])
        for labels, values, present in zip(frame.labels, frame.values, frame.present, strict=True)
    ]


def _rows_of_samples(wanted: Evaluation, samples: Samples) -> list[Row]:
    assert wanted.samples_grid is not None
    columns = samples.columns
    rows: list[Row] = []
    for row, labels in enumerate(samples.labels):
        span = slice(columns.offsets[row], columns.offsets[row + 1])
        found = dict(zip(columns.timestamps_ms[span].tolist(), columns.values[span].tolist(), strict=True))
        rows.append((labels, [found.get(at) for at in wanted.samples_grid.times_ms().tolist()]))
    return rows


def _rows_problem(wanted: Evaluation, rows: list[Row]) -> str:
    if wanted.ordered and [labels for labels, _ in rows] != [labels for labels, _ in wanted.rows]:
        return f"has the order {[labels for labels, _ in rows]}"
    expected, given = dict(wanted.rows), dict(rows)
    if set(expected) != set(given):
        return f"has the series {sorted(given)}"
    for labels, values in given.items():
        for one, other in zip(values, expected[labels], strict=True):
            if (one is None) != (other is None) or (one is not None and other is not None and not alike(one, other)):
                return f"{labels} has {values}"
    return ""
