"""Fetches EPSS scores and CISA's catalogue of exploited vulnerabilities, from a URL or a file."""

import codecs
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from django.conf import settings

from collectors.outbound import OutboundError
from collectors.pull.advisories import downloaded, is_url
from collectors.pull.osv_feed import decompressed
from collectors.wire.epss import BrokenThreatFeed, read_epss
from collectors.wire.kev import read_kev
from fleet.actions.advisories import ensure_feed, note_failed_attempt
from fleet.actions.threats import EPSS, KEV, ThreatImport, import_epss, import_kev
from fleet.jobs import JobFailed, JobRun, job
from fleet.models import AdvisoryFeed

FETCH_THREATS: Final = "threats.fetch"
"""Kind of the job that fetches both feeds."""

MAX_BYTES: Final = 512 * 1024**2
MAX_LINE: Final = 100_000


def import_epss_feed(source: str, *, actor: str) -> ThreatImport:
    """Scores at `source` (CSV, also .gz). Raises OutboundError or ValueError, after noting it at the feed."""

    def take(path: Path) -> ThreatImport:
        read = read_epss(_lines(path))
        return import_epss(scores=read.scores, scored_at=read.scored_at, source=source, actor=actor)

    return _imported(EPSS, source, take)


def import_kev_feed(source: str, *, actor: str) -> ThreatImport:
    """The catalogue at `source` (JSON, also .gz). Raises OutboundError or ValueError, after noting it at the feed."""

    def take(path: Path) -> ThreatImport:
        read = read_kev(b"".join(decompressed(path, MAX_BYTES)))
        return import_kev(entries=read.entries, released_at=read.released_at, source=source, actor=actor)

    return _imported(KEV, source, take)


@job(FETCH_THREATS)
def fetch_threats(run: JobRun) -> str:
    """Job: import the configured feeds; one that fails does not keep the other from it."""
    sentences, failures = [], []
    for name, source, take in (
        (EPSS, settings.EPSS_FEED, import_epss_feed),
        (KEV, settings.KEV_FEED, import_kev_feed),
    ):
        if not source:
            continue
        ensure_feed(feed=name, source=source, kind=AdvisoryFeed.Kind.THREATS)
        try:
            sentences.append(f"{name}: {take(source, actor='system').sentence()}")
        except (OutboundError, ValueError, OSError) as error:
            failures.append(f"{source}: {error}")
    if failures:
        raise JobFailed("; ".join(failures + sentences))
    return "; ".join(sentences) or "no feeds are configured"


def _imported(feed: str, source: str, take: Callable[[Path], ThreatImport]) -> ThreatImport:
    with tempfile.TemporaryDirectory(prefix="belvedere-feed-") as folder:
        try:
            return take(downloaded(source, Path(folder)) if is_url(source) else Path(source))
        except (OutboundError, ValueError, OSError) as error:
            note_failed_attempt(feed=feed, error=str(error))
            raise


def _lines(path: Path) -> Iterator[str]:
    """Lines with their ends. Raises BrokenThreatFeed for a last line without one: the file was cut off there."""
    decoder, rest = codecs.getincrementaldecoder("utf-8-sig")(), ""
    for chunk in decompressed(path, MAX_BYTES):
        *lines, rest = (rest + decoder.decode(chunk)).split("\n")
        yield from (f"{line}\n" for line in lines)
        if len(rest) > MAX_LINE:
            raise BrokenThreatFeed(f"{path.name} has a line of more than {MAX_LINE:,} characters")
    if rest:
        raise BrokenThreatFeed(f"{path.name} was cut off: its last line has no end")
