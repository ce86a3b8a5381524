"""`belvedere backtest`: what scaling policies would have done with a recorded load."""

import gzip
import io
import json
from argparse import ArgumentParser
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from policies.documents.located import DocumentError
from policies.scaling.backtest.capacity import Capacity, PerReplica, Queue
from policies.scaling.backtest.documents import Read, as_yaml, changed, read_policies
from policies.scaling.backtest.load import BadLoad, Load, Wishes, on_steps, read_table
from policies.scaling.backtest.plan import Plan
from policies.scaling.backtest.run import Result, Setting, backtest
from policies.scaling.backtest.score import front
from policies.scaling.backtest.search import candidates

MAX_BYTES: Final = 512 * 1024 * 1024
DEFAULT_UTILIZATION: Final = 0.7
"""Share of its capacity at which a target keeps a replica, where nothing else is said."""


class Command(BaseCommand):
    help = "Replay scaling policies over a recorded load: violations, replica hours, money."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--policy",
            action="append",
            required=True,
            metavar="FILE",
            help="YAML: autoscaling/v2, KEDA, ScalingPolicy; may be given again",
        )
        parser.add_argument(
            "--load", required=True, metavar="FILE", help="CSV (or .csv.gz) with a time and a load column"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--search", type=int, default=0, metavar="N", help="try N candidates around each policy too"
        )
        parser.add_argument(
            "--export", metavar="NAME", help="print the document of the policy or candidate called NAME"
        )
        table = parser.add_argument_group("the load")
        table.add_argument("--time-column", metavar="NAME")
        table.add_argument(
            "--column", metavar="NAME", help="which column is the load (default: the first beside the time)"
        )
        table.add_argument(
            "--interval", type=float, default=0, metavar="SECONDS", help="between rows of a table without a time"
        )
        table.add_argument(
            "--per", type=float, default=1, metavar="SECONDS", help="values count this long: 60 for requests a minute"
        )
        table.add_argument(
            "--scale", type=float, default=1, metavar="FACTOR", help="multiply the load: what if there were more"
        )
        table.add_argument("--counter", action="store_true", help="values count up; their rate is the load")
        table.add_argument("--repair", action="store_true", help="leave out rows whose clock steps back")
        model = parser.add_argument_group("the service")
        model.add_argument(
            "--capacity", type=float, metavar="LOAD", help="load that one ready replica carries within the objective"
        )
        model.add_argument(
            "--service-rate",
            type=float,
            metavar="RATE",
            help="requests/s one server completes: capacity by an M/M/c queue",
        )
        model.add_argument("--servers", type=int, default=1, metavar="N", help="servers (threads, processes) a replica")
        model.add_argument(
            "--latency", type=float, default=0.5, metavar="SECONDS", help="objective of the queue (default 0.5)"
        )
        model.add_argument("--quantile", type=float, default=0.95, help="share of requests within it (default 0.95)")
        model.add_argument(
            "--request",
            type=float,
            metavar="LOAD",
            help="load at which a replica is at 100 %% utilization (default: its capacity)",
        )
        model.add_argument(
            "--start-up", type=int, default=60, metavar="SECONDS", help="until a new replica is ready (default 60)"
        )
        model.add_argument("--initial", type=int, metavar="N", help="replicas before the first step")
        model.add_argument(
            "--step", type=int, default=15, metavar="SECONDS", help="period of the controller (default 15)"
        )
        model.add_argument("--price", default="0.04", metavar="AMOUNT", help="of a replica hour (default 0.04)")
        model.add_argument("--currency", default="USD")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            reads = [read for file in options["policy"] for read in read_policies(_text(file), Path(file).stem)]
            load = _load(options)
            plans = _plans(reads, options["search"])
            setting, assumptions = _setting(reads[0].plan, options)
            results = backtest(plans, load, setting)
        except (DocumentError, BadLoad, ValueError) as error:
            raise CommandError(str(error)) from error
        if options["export"]:
            self.stdout.write(_exported(reads, results, options["export"]), ending="")
            return
        notes = [*load.notes, *(note for read in reads for note in read.notes)]
        report = _report(load, results, [*assumptions, *notes], options)
        self.stdout.write(json.dumps(report, indent=2) if options["json"] else "\n".join(_lines(report)))


def _text(file: str) -> str:
    try:
        if Path(file).stat().st_size > 1_000_000:
            raise CommandError(f"{file} is larger than the 1000000 bytes that are read of a policy")
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is not UTF-8 text") from error


def _load(options: dict[str, Any]) -> Load:
    if options["step"] < 1 or options["per"] <= 0 or options["scale"] < 0 or options["start_up"] < 0:
        raise BadLoad("--step and --per must be above zero, --scale and --start-up not below it")
    wishes = Wishes(
        options["time_column"],
        options["column"],
        options["interval"],
        options["per"] / options["scale"] if options["scale"] else float("inf"),
        options["counter"],
        options["repair"],
    )
    file = Path(options["load"])
    try:
        recording = read_table(_csv_lines(file), wishes)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror or error}") from error
    except (UnicodeDecodeError, EOFError) as error:
        raise CommandError(f"{file} is cut off or not text: {error}") from error
    except BadLoad as error:
        raise BadLoad(f"{file.name}: {error}") from error
    return on_steps(recording, options["step"])


def _csv_lines(file: Path) -> Iterator[str]:
    with file.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream = gzip.GzipFile(fileobj=raw) if packed else raw
        left = MAX_BYTES
        for line in io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""):
            left -= len(line)
            if left < 0:
                raise CommandError(f"{file} is larger than the {MAX_BYTES} bytes that are read")
            yield line


def _plans(reads: list[Read], search: int) -> list[Plan]:
    if not search:
        return [read.plan for read in reads]
    return [plan for read in reads for plan in candidates(read.plan, search)]


def _setting(first: Plan, options: dict[str, Any]) -> tuple[Setting, list[str]]:
    assumptions: list[str] = []
    capacity = _capacity(first, options, assumptions)
    request = options["request"] or capacity.carried(1)
    if request <= 0:
        raise ValueError("--request must be above zero")
    try:
        price = Decimal(options["price"])
    except InvalidOperation as error:
        raise ValueError(f"--price is {options['price']!r}; expected an amount such as 0.04") from error
    if not price.is_finite() or price < 0:
        raise ValueError(f"--price is {options['price']!r}; expected an amount that is not negative")
    assumptions += [capacity.sentence, f"a new replica is ready after {options['start_up']} s"]
    if first.kind == "utilization":
        assumptions.append(f"a replica is at 100 % utilization with a load of {request:g}")
    return Setting(capacity, request, options["start_up"], price, options["initial"]), assumptions


def _capacity(first: Plan, options: dict[str, Any], assumptions: list[str]) -> Capacity:
    if options["service_rate"] is not None:
        if options["service_rate"] <= 0 or options["latency"] <= 0 or not 0 < options["quantile"] < 1:
            raise ValueError("--service-rate and --latency must be above zero, --quantile between 0 and 1")
        return Queue(options["service_rate"], options["latency"], options["quantile"], max(1, options["servers"]))
    if options["capacity"] is not None:
        if options["capacity"] <= 0:
            raise ValueError("--capacity must be above zero")
        return PerReplica(options["capacity"])
    if first.kind == "utilization":
        assumptions.append("no capacity was given: a replica is taken to carry a load of 1 at 100 % utilization")
        return PerReplica(options["request"] or 1.0)
    assumptions.append(f"no capacity was given: the target is taken to be {DEFAULT_UTILIZATION:.0%} of it")
    return PerReplica(first.target / DEFAULT_UTILIZATION)


def _report(load: Load, results: list[Result], assumptions: list[str], options: dict[str, Any]) -> dict[str, Any]:
    best = front([result.score for result in results])
    return {
        "load": {
            "file": Path(options["load"]).name,
            "column": load.column,
            "start": load.start_seconds,
            "steps": int(load.values.size),
            "step_seconds": load.step_seconds,
            "unknown_minutes": load.unknown_minutes,
        },
        "currency": options["currency"],
        "assumptions": assumptions,
        "results": [
            {"policy": result.plan.name, **_limits(result.plan), **result.score.as_dict()} for result in results
        ],
        "pareto": [results[number].plan.name for number in best],
    }


def _limits(plan: Plan) -> dict[str, Any]:
    window = plan.down.stabilization_seconds if plan.down else 300
    return {
        "minimum": plan.minimum,
        "maximum": plan.maximum,
        "target": plan.target,
        "scale_down_stabilization_seconds": window,
    }


def _exported(reads: list[Read], results: list[Result], name: str) -> str:
    result = next((result for result in results if result.plan.name == name), None)
    if result is None:
        raise CommandError(f"nothing is called {name!r}; there are {', '.join(r.plan.name for r in results[:20])}")
    own = next(read for read in reads if result.plan.name.startswith(read.plan.name))
    return as_yaml(changed(own.policy, result.plan))


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield from (f"- {assumption}" for assumption in report["assumptions"])
    yield f"{'violation min':>14} {'replica h':>12} {'cost ' + report['currency']:>14} {'flaps':>6}  policy"
    for row in report["results"]:
        mark = "*" if row["policy"] in report["pareto"] else " "
        yield (
            f"{row['slo_violation_minutes']:>14.2f} {row['replica_hours']:>12.2f} {row['cost']:>14} "
            f"{row['flaps']:>6} {mark}{row['policy']}"
        )
    yield "* nothing else has both fewer violations and a lower cost"
