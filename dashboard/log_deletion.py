"""Deletes log records by query: LogQL selectors with line filters, or plain words. Looked at first, then by a job."""

from dataclasses import dataclass, replace
from typing import Final

from dashboard.panels.log_query import is_logql
from dashboard.panels.log_words import search_words
from fleet.actions.log_deletions import DELETE, finish_log_deletion, note_log_deletion
from fleet.jobs import JobFailed, JobRun, job
from fleet.models import LogDeletion
from telemetry.logql.ast import LineFilter
from telemetry.logql.parser import parse_log_query
from telemetry.logql.plan import line_condition
from telemetry.model.errors import InvalidInput, StoreUnavailable, TelemetryError
from telemetry.model.logs import LogRecord
from telemetry.store import LogQuery, TelemetryStore, current
from telemetry.store.queries import LineCondition, LogExtent

EXAMPLES: Final = 5
_DAY_NS: Final = 86_400 * 10**9
_MOST_STEPS: Final = 24


@dataclass(frozen=True, slots=True)
class DeletionPreview:
    """What a deletion would remove now."""

    extent: LogExtent
    examples: list[LogRecord]
    """The newest."""

    def is_confirmed_by(self, typed: str, service: str) -> bool:
        """Whether a person typed the number of records, or the service that was named."""
        word = typed.strip()
        return word.replace(",", "") == str(self.extent.rows) or (bool(service) and word == service)


def deletion_query(text: str, service: str, start_ns: int, end_ns: int) -> LogQuery:
    """Records that are meant. Raises InvalidInput for a query of which the engine cannot do all."""
    query = LogQuery(start_ns, end_ns, services=(service,) if service else (), limit=EXAMPLES)
    if not text.strip() and not service:
        raise InvalidInput("a deletion names a service or a query: everything at once is not deleted from here")
    if not is_logql(text):
        words = search_words(text)
        return replace(query, texts=words.wanted, not_texts=words.unwanted)
    selector = parse_log_query(text)
    return replace(query, matchers=selector.matchers, lines=tuple(_condition(stage) for stage in selector.stages))


def deletion_preview(store: TelemetryStore, query: LogQuery) -> DeletionPreview:
    """Raises TelemetryError."""
    extent = store.log_extent(query)
    return DeletionPreview(extent, store.search_logs(query) if extent.rows else [])


@job(DELETE)
def delete_logs(run: JobRun, deletion_id: int) -> str:
    """Job: remove the records part by part; run again after a kill it goes on with what is left."""
    row = LogDeletion.objects.get(pk=deletion_id)
    try:
        query = deletion_query(row.query, row.service, row.start_ns, row.end_ns)
        left = _delete(current(), query, run, row.pk)
    except StoreUnavailable:
        raise  # the job is tried again
    except TelemetryError as error:
        finish_log_deletion(deletion_id=row.pk, rows_left=None, error=str(error))
        raise JobFailed(str(error)) from error
    gone = finish_log_deletion(deletion_id=row.pk, rows_left=left).rows_gone
    return f"{gone} of {row.rows_matched} log records removed"


def _delete(store: TelemetryStore, query: LogQuery, run: JobRun, deletion_id: int) -> int:
    """Records that match still afterwards."""
    parts = _parts(query, store.log_extent(query))
    for done, part in enumerate(parts, start=1):
        gone = store.delete_logs(part).gone
        note_log_deletion(deletion_id=deletion_id, rows_gone=gone, progress_ratio=done / len(parts))
        run.progress(done / len(parts), f"{done} of {len(parts)} spans of time")
    return store.log_extent(query).rows


def _parts(query: LogQuery, extent: LogExtent) -> list[LogQuery]:
    """The query, span by span of whole days or more; none if nothing matches."""
    if not extent.rows:
        return []
    size = extent.newest_ns - extent.oldest_ns + 1
    width = max(-(-size // _MOST_STEPS), _DAY_NS)
    starts = range(extent.oldest_ns, extent.newest_ns + 1, width)
    return [replace(query, start_ns=start, end_ns=min(start + width - 1, extent.newest_ns)) for start in starts]


def _condition(stage: object) -> LineCondition:
    found = line_condition(stage) if isinstance(stage, LineFilter) else None
    if found is None:
        raise InvalidInput("a deletion understands selectors and the line filters |= != |~ !~, nothing else of LogQL")
    return found
