"""EPSS scores and the catalogue of exploited vulnerabilities come in: whole or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol

from django.db import transaction
from django.utils import timezone

from fleet.actions.audit import record
from fleet.models import AdvisoryFeed, ExploitPrediction, KnownExploited

EPSS: Final = "EPSS"
KEV: Final = "CISA KEV"
_BATCH: Final = 2_000
_LEAST_SHARE: Final = 0.5


class ShrunkenFeed(ValueError):
    """A feed holds so much less than before that it must have been cut off."""


class Exploited(Protocol):
    """One entry of the catalogue."""

    @property
    def cve(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def added_on(self) -> date: ...
    @property
    def due_on(self) -> date | None: ...
    @property
    def ransomware(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class ThreatImport:
    """What an import did."""

    read: int
    changed: int
    removed: int

    def sentence(self) -> str:
        """For people."""
        return f"{self.read:,} entries read: {self.changed:,} new or changed, {self.removed:,} no longer there"


def import_epss(
    *, scores: Mapping[str, tuple[float, float | None]], scored_at: datetime | None, source: str, actor: str
) -> ThreatImport:
    """Make the stored scores equal to `scores`, in one transaction. Raises ShrunkenFeed."""
    with transaction.atomic():
        rows = ExploitPrediction.objects.values_list("cve", "score", "percentile")
        held = {cve: (score, percentile) for cve, score, percentile in rows}
        _check_share(EPSS, len(scores), len(held))
        changed = [
            ExploitPrediction(cve=cve, score=score[0], percentile=score[1])
            for cve, score in scores.items()
            if held.get(cve) != score
        ]
        ExploitPrediction.objects.bulk_create(
            changed,
            batch_size=_BATCH,
            update_conflicts=True,
            unique_fields=["cve"],
            update_fields=["score", "percentile"],
        )
        gone = sorted(held.keys() - scores.keys())
        for start in range(0, len(gone), 500):
            ExploitPrediction.objects.filter(cve__in=gone[start : start + 500]).delete()
        outcome = ThreatImport(len(scores), len(changed), len(gone))
        _finish(EPSS, source, outcome, scored_at, actor)
    return outcome


def import_kev(*, entries: Sequence[Exploited], released_at: datetime | None, source: str, actor: str) -> ThreatImport:
    """Make the stored catalogue equal to `entries`, in one transaction. Raises ShrunkenFeed."""
    with transaction.atomic():
        held = set(KnownExploited.objects.values_list("cve", flat=True))
        _check_share(KEV, len(entries), len(held))
        rows = {
            each.cve: KnownExploited(
                cve=each.cve,
                name=each.name,
                added_on=each.added_on,
                due_on=each.due_on,
                ransomware=each.ransomware,
            )
            for each in entries
        }
        KnownExploited.objects.all().delete()
        KnownExploited.objects.bulk_create(rows.values(), batch_size=_BATCH)
        outcome = ThreatImport(len(rows), len(rows.keys() - held), len(held - rows.keys()))
        _finish(KEV, source, outcome, released_at, actor)
    return outcome


def _check_share(feed: str, read: int, held: int) -> None:
    if read < held * _LEAST_SHARE:
        raise ShrunkenFeed(
            f"{feed} holds {read:,} entries where {held:,} are known, so it was cut off; nothing changed"
        )


def _finish(feed: str, source: str, outcome: ThreatImport, newest: datetime | None, actor: str) -> None:
    now = timezone.now()
    AdvisoryFeed.objects.update_or_create(
        name=feed,
        defaults={
            "kind": AdvisoryFeed.Kind.THREATS,
            "source": source[:500],
            "imported_at": now,
            "last_attempt_at": now,
            "newest_modified": newest or now,
            "advisories": outcome.read,
            "last_error": "",
        },
    )
    record(
        actor=actor,
        action="threats.imported",
        object_type="advisory_feed",
        object_id=feed,
        detail={"source": source[:500], "read": outcome.read, "changed": outcome.changed, "removed": outcome.removed},
    )
