"""What `belvedere import KIND` can import. A new kind is one `ImportKind` and one word in `KINDS`."""

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from collectors.bills import ImportedBill, amount_text, import_bill_file
from collectors.pull.advisories import import_feed
from collectors.pull.prometheus_import import Reading, read_prometheus, take_jobs
from collectors.pull.threats import import_epss_feed, import_kev_feed
from collectors.wire.focus import FocusRefused
from fleet.models import Job
from telemetry.model.errors import TelemetryError

Say = Callable[[str], None]
"""Writes one line for the person at the terminal."""

PROGRESS_CHARGES: Final = 500_000
"""How often an import of a bill says how far it is."""


@dataclass(frozen=True, slots=True)
class ImportKind:
    """One word after `belvedere import`."""

    help: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[dict[str, Any], Say], str]
    """Takes the parsed options; returns the closing sentence. Raises ValueError or OSError for the person to read."""


def _advisory_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="FILE|URL", help="OSV .zip, folder, .json or .jsonl (also .gz, .zst)")
    parser.add_argument("--name", default="", help="what the feed is called; default: the end of its path")


def _import_advisories(options: dict[str, Any], say: Say) -> str:
    def progress(doing: str, count: int) -> None:
        say(f"{doing}: {count} advisories")

    outcome = import_feed(options["source"], name=options["name"], actor="system", progress=progress, match_now=True)
    return f"{outcome.sentence()}.{_matched(outcome.matching)}"


def _matched(job: Job | None) -> str:
    if job is None:
        return ""
    job.refresh_from_db()
    return f" Stored components matched again: {job.message or job.state}."


def _threat_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="FILE|URL", help="may be packed with gzip or zstd")


def _import_epss(options: dict[str, Any], say: Say) -> str:
    return import_epss_feed(options["source"], actor="system").sentence()


def _import_kev(options: dict[str, Any], say: Say) -> str:
    return import_kev_feed(options["source"], actor="system").sentence()


def _cost_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="FOCUS 1.0 to 1.3 in CSV, also .gz, or Parquet")
    parser.add_argument(
        "--add",
        action="store_true",
        help="keep what earlier files said of the same provider, account, billing period and currency",
    )


def _import_costs(options: dict[str, Any], say: Say) -> str:
    path = Path(options["file"])
    try:
        with path.open("rb") as file:
            imported = import_bill_file(
                file, file_name=path.name, actor="system", replace=not options["add"], progress=_progress(say)
            )
    except FocusRefused as error:
        for wrong in error.errors:
            say(str(wrong))
        raise ValueError(str(error)) from error
    except TelemetryError as error:
        raise ValueError(str(error)) from error
    for notice in imported.notices:
        say(notice)
    return _bill_sentence(imported)


def _progress(say: Say) -> Callable[[int], None]:
    """Says the number of charges every half million."""
    told = 0

    def tell(charges: int) -> None:
        nonlocal told
        if charges - told >= PROGRESS_CHARGES:
            told = charges
            say(f"{charges:,} charges so far")

    return tell


def _bill_sentence(imported: ImportedBill) -> str:
    bill = imported.bill
    if not imported.new:
        return f"Nothing imported: the same bill was imported on {bill.imported_at:%Y-%m-%d} as {bill.file_name}."
    amounts = ", ".join(f"{amount_text(amount)} {currency}" for currency, amount in imported.billed_cost.items())
    return (
        f"{bill.rows:,} charges of {amounts} imported for {imported.services} services; "
        f"{imported.unallocated:,} charges name no service."
        + (f" {imported.replaced} parts of earlier bills were replaced." if imported.replaced else "")
    )


def _prometheus_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="prometheus.yml")
    parser.add_argument("--dry-run", action="store_true", help="say what would be taken and change nothing")


def _import_prometheus(options: dict[str, Any], say: Say) -> str:
    reading = read_prometheus(Path(options["file"]))
    for verdict in sorted(reading.verdicts, key=lambda each: (each.file, each.line)):
        say(str(verdict))
    if options["dry_run"]:
        rules = f", {len(reading.rule_files)} rule files" if reading.rule_files else ""
        return f"Would be taken: {len(reading.jobs)} scrape jobs{rules}. Nothing was changed."
    new, changed = take_jobs(reading, "system")
    return " ".join(filter(None, (f"{new} scrape jobs added, {changed} brought up to date.", _rules(reading, say))))


def _rules(reading: Reading, say: Say) -> str:
    """Hand rule files to the import of rules, where there is one."""
    files = [str(path) for path in reading.rule_files]
    if not files:
        return ""
    if "rules" not in KINDS:
        return f"{len(files)} rule files were not taken: this process evaluates no rules."
    return KINDS["rules"].run({"files": files}, say)


KINDS: Final[dict[str, ImportKind]] = {
    "advisories": ImportKind("known vulnerabilities in OSV form", _advisory_arguments, _import_advisories),
    "epss": ImportKind("EPSS scores: how likely vulnerabilities are exploited", _threat_arguments, _import_epss),
    "kev": ImportKind("CISA's catalogue of known exploited vulnerabilities", _threat_arguments, _import_kev),
    "costs": ImportKind("a bill in FOCUS form", _cost_arguments, _import_costs),
    "prometheus": ImportKind(
        "scrape jobs (and rule files) of a Prometheus configuration", _prometheus_arguments, _import_prometheus
    ),
}


def add_kind(word: str, kind: ImportKind) -> None:
    """Let `belvedere import` know a kind of another floor."""
    KINDS[word] = kind
