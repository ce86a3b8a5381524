"""Advisories come in: incremental by document hash, in one transaction, and what they affect is matched again."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, Final

import orjson
from django.db import DatabaseError, transaction
from django.utils import timezone

from fleet.actions.audit import record
from fleet.actions.matching_again import enqueue_matching
from fleet.models import Advisory, AdvisoryAlias, AdvisoryFeed, AffectedPackage, Job
from fleet.osv import InvalidRecord, OsvRecord, read_record
from fleet.selectors.dependencies import Package, mirrored_ecosystems

Progress = Callable[[str, int], None]
"""Called now and then with what is being done and how many documents were handled."""

_BATCH: Final = 500
_SHOWN_REFUSALS: Final = 5


class BrokenDocument(ValueError):
    """A document of the feed is no JSON, so the feed is damaged and nothing of it is used."""


@dataclass(slots=True)
class AdvisoryImport:
    """What an import did."""

    read: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    older: int = 0
    """Documents that were modified before the one we hold; ours stays."""
    refused: list[str] = field(default_factory=list)
    """Why single documents were not taken, each with its place."""
    newest_modified: datetime | None = None
    matching: Job | None = None
    """The job that matches stored components again, if anything changed."""

    def sentence(self) -> str:
        """For people."""
        text = f"{self.read} advisories read: {self.created} new, {self.changed} changed, {self.unchanged} unchanged"
        if self.older:
            text += f", {self.older} older than what is here"
        if self.refused:
            text += f", {len(self.refused)} refused ({'; '.join(self.refused[:_SHOWN_REFUSALS])})"
        return text


@dataclass(frozen=True, slots=True)
class _Held:
    """What we hold of an advisory."""

    sha256: str
    modified: datetime | None


def import_advisories(
    *,
    feed: str,
    source: str,
    documents: Iterable[tuple[str, bytes]],
    actor: str,
    progress: Progress | None = None,
) -> AdvisoryImport:
    """Take every (place, JSON) of `documents` as an OSV advisory of `feed`.

    Everything is read first, then written in one transaction: whatever `documents` raises on the way leaves the
    old advisories whole. What the feed does not name stays, since OSV withdraws and never deletes. Raises
    BrokenDocument, and what `documents` raises, after noting it at the feed.
    """
    AdvisoryFeed.objects.filter(name=feed[:100]).update(source=source[:500], last_attempt_at=timezone.now())
    try:
        with tempfile.TemporaryFile() as spool:
            result = _sort(documents, spool, progress)
            spool.seek(0)
            with transaction.atomic():
                result.matching = _write(spool, result, progress)
                _finish(feed, source, result, actor)
    except (ValueError, OSError, DatabaseError) as error:
        note_failed_attempt(feed=feed, error=str(error))
        raise
    return result


def ensure_feed(*, feed: str, source: str, kind: str = AdvisoryFeed.Kind.ADVISORIES) -> AdvisoryFeed:
    """The row of a feed that is meant to be there, so that it shows even if it never arrives."""
    row, _ = AdvisoryFeed.objects.get_or_create(name=feed[:100], defaults={"source": source[:500], "kind": kind})
    return row


def note_failed_attempt(*, feed: str, error: str) -> None:
    """Keep why the newest attempt failed, at a feed that is known; what it imported before stays as old as it is."""
    AdvisoryFeed.objects.filter(name=feed[:100]).update(last_attempt_at=timezone.now(), last_error=error[:500])


def _sort(documents: Iterable[tuple[str, bytes]], spool: IO[bytes], progress: Progress | None) -> AdvisoryImport:
    """Read everything; documents that are new or changed go to `spool`, one a line, the last of an id wins."""
    held, result = _held(), AdvisoryImport()
    for place, content in documents:
        result.read += 1
        parsed = _parse(place, content, result)
        if parsed is not None:
            _sort_one(*parsed, held, spool, result)
        if progress and result.read % _BATCH == 0:
            progress("reading", result.read)
    return result


def _held() -> dict[str, _Held]:
    rows = Advisory.objects.values_list("osv_id", "document_sha256", "modified")
    return {osv_id: _Held(sha256, modified) for osv_id, sha256, modified in rows.iterator(chunk_size=5000)}


def _parse(place: str, content: bytes, result: AdvisoryImport) -> tuple[OsvRecord, bytes] | None:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BrokenDocument(f"{place} is broken JSON: {error}") from error
    try:
        read = read_record(document)
    except InvalidRecord as error:
        result.refused.append(f"{place}: {error}")
        return None
    # NUL is legal in JSON and in no text column of PostgreSQL.
    return read, orjson.dumps(document).replace(b"\\u0000", b"")


def _sort_one(read: OsvRecord, line: bytes, held: dict[str, _Held], spool: IO[bytes], result: AdvisoryImport) -> None:
    if read.modified and (result.newest_modified is None or read.modified > result.newest_modified):
        result.newest_modified = read.modified
    sha256, before = hashlib.sha256(line).hexdigest(), held.get(read.osv_id)
    if before and before.sha256 == sha256:
        result.unchanged += 1
    elif before and before.modified and read.modified and before.modified > read.modified:
        result.older += 1
    else:
        held[read.osv_id] = _Held(sha256, read.modified)
        result.created += before is None
        result.changed += before is not None
        spool.write(line + b"\n")


def _write(spool: IO[bytes], result: AdvisoryImport, progress: Progress | None) -> Job | None:
    """Store what was spooled; the job that matches the packages concerned again."""
    packages: set[Package] = set()
    done, before = 0, mirrored_ecosystems()
    for batch in _batches(spool):
        packages |= _write_batch(batch)
        done += len(batch)
        if progress:
            progress("writing", done)
    # The first advisories of an ecosystem make every component of it known, whatever packages they name.
    everything = bool({ecosystem for ecosystem, _ in packages} - before)
    return enqueue_matching(None if everything else packages) if packages else None


def _batches(spool: IO[bytes]) -> Iterator[dict[str, bytes]]:
    """Lines by advisory id, a later line of the same id in place of an earlier one."""
    batch: dict[str, bytes] = {}
    for line in spool:
        batch[orjson.loads(line)["id"].strip()] = line.rstrip(b"\n")
        if len(batch) == _BATCH:
            yield batch
            batch = {}
    if batch:
        yield batch


def _write_batch(batch: dict[str, bytes]) -> set[Package]:
    """Replace the advisories of `batch`; every package they name or named before."""
    former = AffectedPackage.objects.filter(advisory__osv_id__in=batch).values_list("ecosystem", "package")
    packages = set(former)
    rows = {osv_id: (orjson.loads(line), hashlib.sha256(line).hexdigest()) for osv_id, line in batch.items()}
    records = {osv_id: read_record(document) for osv_id, (document, _) in rows.items()}
    advisories = Advisory.objects.bulk_create(
        [_advisory(records[osv_id], document, sha256) for osv_id, (document, sha256) in rows.items()],
        update_conflicts=True,
        unique_fields=["osv_id"],
        update_fields=[name for name in _COLUMNS if name != "osv_id"],
    )
    _index(advisories, records)
    return packages.union(*(read.packages for read in records.values()))


_COLUMNS: Final = (
    "osv_id", "summary", "severity_score", "severity_vector", "published", "modified", "withdrawn", "document",
    "document_sha256",
)  # fmt: skip


def _advisory(read: OsvRecord, document: Any, sha256: str) -> Advisory:
    return Advisory(
        osv_id=read.osv_id,
        summary=read.summary,
        severity_score=read.severity.score,
        severity_vector=read.severity.vector,
        published=read.published,
        modified=read.modified,
        withdrawn=read.withdrawn,
        document=document,
        document_sha256=sha256,
    )


def _index(advisories: Sequence[Advisory], records: dict[str, OsvRecord]) -> None:
    """Write the aliases and the packages of `advisories` anew."""
    AdvisoryAlias.objects.filter(advisory__in=advisories).delete()
    AffectedPackage.objects.filter(advisory__in=advisories).delete()
    AdvisoryAlias.objects.bulk_create(
        AdvisoryAlias(advisory=advisory, alias=alias)
        for advisory in advisories
        for alias in records[advisory.osv_id].aliases
    )
    AffectedPackage.objects.bulk_create(
        AffectedPackage(advisory=advisory, ecosystem=ecosystem, package=package)
        for advisory in advisories
        for ecosystem, package in sorted(records[advisory.osv_id].packages)
        if package
    )


def _finish(feed: str, source: str, result: AdvisoryImport, actor: str) -> None:
    now, refused = timezone.now(), len(result.refused)
    row, _ = AdvisoryFeed.objects.update_or_create(
        name=feed[:100],
        defaults={
            "source": source[:500],
            "last_attempt_at": now,
            "imported_at": now,
            "advisories": result.read - refused,
            "newest_modified": result.newest_modified,
            "last_error": f"{refused} refused: {'; '.join(result.refused)}"[:500] if refused else "",
        },
    )
    counts = {name: getattr(result, name) for name in ("created", "changed", "unchanged", "older")}
    record(
        actor=actor,
        action="advisories.imported",
        object_type="advisory_feed",
        object_id=row.name,
        detail={"source": row.source, **counts, "refused": refused},
    )
