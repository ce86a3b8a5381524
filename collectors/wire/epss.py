"""Reads the EPSS scores of FIRST; pure. Source: https://www.first.org/epss/data_stats

Form: a comment `#model_version:...,score_date:...`, then `cve,epss,percentile` and a line a CVE.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

MAX_SCORES: Final = 2_000_000
_CVE: Final = re.compile(r"CVE-\d{4}-\d{4,19}")
_DATE: Final = re.compile(r"score_date:([0-9TZ:+.-]+)")


class BrokenThreatFeed(ValueError):
    """The file is no such feed, or was cut off; nothing of it is used."""


@dataclass(frozen=True, slots=True)
class EpssScores:
    """CVE -> (probability of exploitation within 30 days, percentile), both 0 to 1."""

    scored_at: datetime | None
    scores: dict[str, tuple[float, float | None]]


def read_epss(lines: Iterable[str]) -> EpssScores:
    """Scores of a CSV whose header names `cve` and `epss`, in any letters. Raises BrokenThreatFeed naming the line."""
    scored_at, header, scores = None, None, {}
    for number, row in enumerate(csv.reader(lines), start=1):
        if row and row[0].startswith("#"):
            scored_at = scored_at or _scored_at(",".join(row))
        elif header is None:
            header = _header(row, number)
        elif row:
            cve, score = _score(row, header, number)
            scores[cve] = score
            if len(scores) > MAX_SCORES:
                raise BrokenThreatFeed(f"the file holds more than {MAX_SCORES:,} scores")
    if not scores:
        raise BrokenThreatFeed("the file holds no EPSS score")
    return EpssScores(scored_at, scores)


@dataclass(frozen=True, slots=True)
class _Header:
    cve: int
    epss: int
    percentile: int | None
    columns: int


def _header(row: list[str], number: int) -> _Header:
    names = [name.strip().lower() for name in row]
    if "cve" not in names or "epss" not in names:
        raise BrokenThreatFeed(f"line {number} is no header of EPSS: it names no columns cve and epss")
    percentile = next((name for name in ("percentile", "epss percentile") if name in names), None)
    return _Header(names.index("cve"), names.index("epss"), names.index(percentile) if percentile else None, len(names))


def _score(row: list[str], header: _Header, number: int) -> tuple[str, tuple[float, float | None]]:
    if len(row) != header.columns:
        raise BrokenThreatFeed(f"line {number} has {len(row)} of {header.columns} columns: the file was cut off")
    cve = row[header.cve].strip()
    if not _CVE.fullmatch(cve):
        raise BrokenThreatFeed(f"line {number}: {cve[:50]!r} is no CVE")
    percentile = None if header.percentile is None else _ratio(row[header.percentile], number)
    return cve, (_ratio(row[header.epss], number), percentile)


def _ratio(text: str, number: int) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise BrokenThreatFeed(f"line {number}: {text[:50]!r} is no number") from error
    if not 0 <= value <= 1:
        raise BrokenThreatFeed(f"line {number}: {text[:50]!r} is not between 0 and 1")
    return value


def _scored_at(comment: str) -> datetime | None:
    found = _DATE.search(comment)
    try:
        return datetime.fromisoformat(found[1]) if found else None
    except ValueError:
        return None
