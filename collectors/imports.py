"""What `belvedere import KIND` can import. A new kind is one `ImportKind` and one word in `KINDS`."""

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from collectors.bills import ImportedBill, amount_text, import_bill
from collectors.pull.advisories import import_feed
from collectors.wire.focus import FocusRefused
from fleet.models import Job
from telemetry.model.errors import TelemetryError

Say = Callable[[str], None]
"""Writes one line for the person at the terminal."""


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


def _cost_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="FOCUS 1.0 to 1.3 in CSV, also .gz")


def _import_costs(options: dict[str, Any], say: Say) -> str:
    path = Path(options["file"])
    try:
        imported = import_bill(path.read_bytes(), file_name=path.name, actor="system")
    except FocusRefused as error:
        for wrong in error.errors:
            say(str(wrong))
        raise ValueError(str(error)) from error
    except TelemetryError as error:
        raise ValueError(str(error)) from error
    for notice in imported.notices:
        say(notice)
    return _bill_sentence(imported)


def _bill_sentence(imported: ImportedBill) -> str:
    bill = imported.bill
    if not imported.new:
        return f"Nothing imported: the same bill was imported on {bill.imported_at:%Y-%m-%d} as {bill.file_name}."
    amounts = ", ".join(f"{amount_text(amount)} {currency}" for currency, amount in imported.billed_cost.items())
    return (
        f"{bill.rows:,} charges of {amounts} imported for {imported.services} services; "
        f"{imported.unallocated:,} charges name no service."
    )


KINDS: Final[dict[str, ImportKind]] = {
    "advisories": ImportKind("known vulnerabilities in OSV form", _advisory_arguments, _import_advisories),
    "costs": ImportKind("a bill in FOCUS form", _cost_arguments, _import_costs),
}


def add_kind(word: str, kind: ImportKind) -> None:
    """Let `belvedere import` know a kind of another floor."""
    KINDS[word] = kind
