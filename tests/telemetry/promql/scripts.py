"""Evaluation scripts of the Prometheus project, run directly against our engine.

The scripts and the code that parses and compares them are test data outside of this repository; without them the
tests that ask for them are skipped.
"""

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final

from collectors.wire.limits import DecodeLimits
from collectors.wire.native_histograms import decode_histogram
from dashboard.api.prometheus.render import render_instant, render_range
from telemetry.model.errors import TelemetryError
from telemetry.model.histograms import Histogram
from telemetry.model.labels import labels_from
from telemetry.model.time import TimeGrid
from telemetry.promql.engine import Engine
from telemetry.promql.run import Options
from telemetry.promql.source import MemorySource, SampleSource

DATA: Final = Path(__file__).resolve().parents[4] / "shared" / "data" / "promql"
SCRIPTS: Final = DATA / "v3.5.3"
MISSING: Final = f"no evaluation scripts at {SCRIPTS}"
NATIVE: Final = "nh"
"""Tag of cases that need native histograms."""
DELAYED_NAMES: Final = frozenset({"name_label_dropping", "type_and_unit"})
"""Scripts written for Prometheus' feature promql-delayed-name-removal."""


@dataclass(frozen=True)
class Case:
    """One evaluation of a script, with everything loaded before it."""

    script: str
    line: int
    expression: str
    tags: frozenset[str]
    evaluation: Any = field(repr=False)

    @property
    def name(self) -> str:
        return f"{self.script}:{self.line}"


@dataclass(frozen=True)
class Environment:
    """Loads and evaluations between two `clear`: a list of Load or Case."""

    script: str
    steps: list[Any]

    @property
    def delayed_names(self) -> bool:
        return self.script in DELAYED_NAMES


@cache
def module(name: str) -> ModuleType:
    """A module beside the scripts."""
    if str(DATA) not in sys.path:
        sys.path.insert(0, str(DATA))
    spec = importlib.util.spec_from_file_location(name, DATA / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


@cache
def environments() -> list[Environment]:
    """All scripts, in order."""
    parser, runner = module("promtest"), module("run")
    return [
        Environment(path.stem, list(_steps(path, commands, runner)))
        for path in sorted(SCRIPTS.glob("*.test"))
        for commands in parser.environments(parser.parse_script(path.read_text()))
    ]


def _steps(path: Path, commands: list[Any], runner: ModuleType) -> Iterator[Any]:
    loads: list[Any] = []
    for kind, command in commands:
        if kind == "load":
            loads.append(command)
            yield command
            continue
        tags = runner.tag_eval(str(path), command, runner.hist_metric_names(loads), False)
        yield Case(path.stem, command.line, command.expr, frozenset(tags), command)


def cases() -> list[Case]:
    return [step for environment in environments() for step in environment.steps if isinstance(step, Case)]


def samples_of(load: Any, base_ms: int) -> Iterator[tuple[dict[str, str], list[tuple[int, float]]]]:
    """Float samples of a `load`, each series with those it has."""
    for labels, values in load.series.values():
        points = [(base_ms + i * load.step, value) for i, value in enumerate(values) if isinstance(value, float)]
        if points:
            yield labels, points


def histograms_of(load: Any, base_ms: int) -> Iterator[tuple[dict[str, str], list[tuple[int, Histogram]]]]:
    """Native histograms of a `load`, those of `load_with_nhcb` among them, through the decoder of remote write."""
    parser = module("promtest")
    rows = [*load.series.values(), *(parser.nhcb_series(load) if load.nhcb else ())]
    for labels, values in rows:
        points = [
            decode_histogram(parser.encode_hist(value, base_ms + i * load.step), DecodeLimits())
            for i, value in enumerate(values)
            if isinstance(value, parser.Hist)
        ]
        if points:
            yield labels, points


class Target:
    """Our engine in the place of a server that the runner asks."""

    def __init__(self, source: SampleSource, *, delayed_names: bool = False) -> None:
        self.engine = Engine(source, Options(max_points=10**7, delayed_name_removal=delayed_names))

    def instant(self, query: str, time_ms: int) -> dict[str, Any]:
        return self._answer(lambda: self.engine.instant(query, time_ms), lambda r: render_instant(r, time_ms, 0))

    def range(self, query: str, start: int, end: int, step: int) -> dict[str, Any]:
        return self._answer(lambda: self.engine.range(query, TimeGrid(start, end, step)), lambda r: render_range(r, 0))

    def _answer(self, ask: Any, render: Any) -> dict[str, Any]:
        try:
            result = ask()
        except TelemetryError as error:
            return {"status": "error", "error": str(error), "_http": 422}
        data = module("promtest").json.loads(render(result)[0] + b"}")
        notes = {"warnings": list(result.warnings), "infos": list(result.infos)}
        return {"status": "success", "data": data, "_http": 200, **notes}


CHECKS: Final = SimpleNamespace(allow_5xx=False, messages=True, annotations=True, range_check=True)


def failure_of(case: Case, target: Target, base_ms: int = 0) -> str:
    """Why a case fails, '' if it passes. Cases that cannot be moved in time pass anywhere but at 1970."""
    runner = module("run")
    try:
        runner.run_eval(target, case.evaluation, base_ms, CHECKS)
    except runner.Fail as problem:
        return str(problem)
    except runner.CannotShift:
        return ""
    return ""


def run_in_memory(environment: Environment) -> dict[str, str]:
    """Case name -> why it fails, '' if it passes."""
    source = MemorySource()
    target = Target(source, delayed_names=environment.delayed_names)
    found: dict[str, str] = {}
    for step in environment.steps:
        if isinstance(step, Case):
            found[step.name] = failure_of(step, target)
            continue
        for labels, points in samples_of(step, 0):
            source.add(labels_from(labels), points)
        for labels, histograms in histograms_of(step, 0):
            source.add_histograms(labels_from(labels), histograms)
    return found


COMPLIANCE: Final = DATA / "compliance" / "golden-3.5.3.json.gz"


@dataclass(frozen=True)
class Comparison:
    """One compliance query, as range or instant query, and how our answer differs from Prometheus' ('' if not)."""

    query: str
    mode: str
    difference: str


def compare_with_golden() -> Iterator[Comparison]:
    """Every compliance query against the stored answers of Prometheus 3.5.3, on the same made-up data."""
    differ = module("diff")
    golden = differ.json.load(differ.gzip.open(COMPLIANCE, "rt"))
    start, scrape_ms = golden["t0"] * 1000, golden["scrape"] * 1000
    source = MemorySource()
    for labels, points, _ in differ.demo_data(start, golden["minutes"] * 60_000 // scrape_ms, scrape_ms):
        source.add(labels_from(labels), points)
    target = Target(source)
    end = (golden["t0"] + golden["minutes"] * 60 - 15 * 60) * 1000
    for entry in differ.json.loads((COMPLIANCE.parent / "queries.json").read_text()):
        query = entry["query"]
        answers = {
            "range": lambda query=query: target.range(query, end - 600_000, end, golden["step"] * 1000),
            "instant": lambda query=query: target.instant(query, end),
        }
        for mode, ask in answers.items():
            expected = differ.norm(golden["answers"][f"{entry['id']}/{mode}"])
            yield Comparison(query, mode, _difference(differ, expected, differ.norm(ask())))


def _difference(differ: ModuleType, expected: Any, given: Any) -> str:
    if expected is None or given is None:
        return "" if expected is given else "only one of the two answers"
    return differ.differ(expected, given, 1e-12) or ""
