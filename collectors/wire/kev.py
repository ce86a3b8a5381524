"""Reads CISA's catalogue of known exploited vulnerabilities; pure.

Source: https://www.cisa.gov/known-exploited-vulnerabilities-catalog (with its JSON schema).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson

from collectors.wire.epss import BrokenThreatFeed

MAX_ENTRIES: Final = 100_000


@dataclass(frozen=True, slots=True)
class KevEntry:
    """One vulnerability that is exploited."""

    cve: str
    name: str
    added_on: date
    due_on: date | None
    ransomware: bool


@dataclass(frozen=True, slots=True)
class KevCatalogue:
    """The whole catalogue."""

    released_at: datetime | None
    entries: tuple[KevEntry, ...]


def read_kev(body: bytes) -> KevCatalogue:
    """Raises BrokenThreatFeed naming what is wrong; a catalogue that counts more than it holds was cut off."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BrokenThreatFeed(f"the catalogue is broken JSON: {error}") from error
    listed = document.get("vulnerabilities") if isinstance(document, dict) else None
    if not isinstance(listed, list) or not listed or len(listed) > MAX_ENTRIES:
        raise BrokenThreatFeed(f"the catalogue has no list of 1 to {MAX_ENTRIES:,} vulnerabilities")
    if document.get("count", len(listed)) != len(listed):
        raise BrokenThreatFeed(f"the catalogue counts {document['count']} vulnerabilities and holds {len(listed)}")
    entries = tuple(_entry(each, index) for index, each in enumerate(listed))
    return KevCatalogue(_moment(document.get("dateReleased")), entries)


def _entry(given: Any, index: int) -> KevEntry:
    if not isinstance(given, dict):
        raise BrokenThreatFeed(f"vulnerabilities[{index}] is not an object")
    added = _day(given.get("dateAdded"))
    cve = given.get("cveID")
    if not isinstance(cve, str) or not cve.startswith("CVE-") or len(cve) > 100 or added is None:
        raise BrokenThreatFeed(f"vulnerabilities[{index}] has no cveID or no dateAdded")
    return KevEntry(
        cve=cve,
        name=str(given.get("vulnerabilityName") or "")[:300],
        added_on=added,
        due_on=_day(given.get("dueDate")),
        ransomware=given.get("knownRansomwareCampaignUse") == "Known",
    )


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
