"""Fetches advisory feeds from a URL or a file into the mirror, by hand or once a day."""

import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from collectors.outbound import OutboundError, OutboundLimits, configured_policy, download
from collectors.pull.osv_feed import feed_documents
from collectors.pull.own_packages import audit_own_if_unknown
from fleet.actions.advisories import AdvisoryImport, Progress, ensure_feed, import_advisories, note_failed_attempt
from fleet.jobs import JobFailed, JobRun, job, run_job

FETCH: Final = "advisories.fetch"
"""Kind of the job that fetches every configured feed."""

_LIMITS: Final = OutboundLimits(seconds=3600, wire_bytes=4 * 1024**3, decoded_bytes=4 * 1024**3)
_SUFFIXES: Final = 2


def feed_name(source: str) -> str:
    """The end of the path, with the folder before it: ".../PyPI/all.zip" is "PyPI/all.zip"."""
    path = urlsplit(source).path if is_url(source) else source
    return "/".join(Path(path).absolute().parts[-2:])[-100:]


def is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def import_feed(
    source: str,
    *,
    actor: str,
    name: str = "",
    progress: Progress | None = None,
    match_now: bool = False,
) -> AdvisoryImport:
    """Import the feed at `source` (URL or path). With `match_now` stored components are matched before it returns.

    Raises OutboundError, BrokenFeed or BrokenDocument, after noting it at the feed; the old advisories stay whole.
    """
    feed = name or feed_name(source)
    with tempfile.TemporaryDirectory(prefix="belvedere-feed-") as folder:
        try:
            path = downloaded(source, Path(folder)) if is_url(source) else Path(source)
        except OutboundError as error:
            note_failed_attempt(feed=feed, error=str(error))
            raise
        outcome = import_advisories(
            feed=feed, source=source, documents=feed_documents(path), actor=actor, progress=progress
        )
    audit_own_if_unknown()
    if match_now and outcome.matching is not None:
        run_job(outcome.matching.pk)
    return outcome


def downloaded(url: str, folder: Path) -> Path:
    """The file behind `url`, with the suffixes of its name, by which its form is told."""
    file = folder / ("feed" + "".join(Path(urlsplit(url).path).suffixes[-_SUFFIXES:]))
    download(url, file, policy=configured_policy(), limits=_LIMITS)
    return file


@job(FETCH)
def fetch_feeds(run: JobRun) -> str:
    """Job: import every feed of settings.ADVISORY_FEEDS. One that fails does not keep the others from it."""
    sentences, failures = [], []
    for index, source in enumerate(settings.ADVISORY_FEEDS):
        run.progress(index / len(settings.ADVISORY_FEEDS), f"fetching {source}")
        ensure_feed(feed=feed_name(source), source=source)
        try:
            sentences.append(f"{feed_name(source)}: {import_feed(source, actor='system').sentence()}")
        except (OutboundError, ValueError, OSError) as error:
            failures.append(f"{source}: {error}")
    if failures:
        # Another try of the whole job would fetch the good feeds again; tomorrow's run is the retry.
        raise JobFailed("; ".join(failures + sentences))
    return "; ".join(sentences) or "no feeds are configured; BELVEDERE_ADVISORY_FEEDS names them"
