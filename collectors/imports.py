"""What `belvedere import KIND` can import. A new kind is one `ImportKind` and one word in `KINDS`."""

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from collectors.pull.advisories import import_feed
from fleet.models import Job

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


KINDS: Final[dict[str, ImportKind]] = {
    "advisories": ImportKind("known vulnerabilities in OSV form", _advisory_arguments, _import_advisories),
}
