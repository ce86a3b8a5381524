"""How fresh the advisory feeds are, in a word that every page which depends on them can show."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fleet.models import AdvisoryFeed

OLD: Final = timedelta(days=7)
"""A feed whose newest advisory change is older than this is shown as old."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """One feed; `kind` is a value of AdvisoryFeed.Kind, `state` is a badge word and `words` its age."""

    name: str
    kind: str
    source: str
    advisories: int
    newest_modified: datetime | None
    imported_at: datetime | None
    last_error: str
    state: str
    words: str


def feed_states(now: datetime) -> list[FeedState]:
    """All feeds by name."""
    return [_state(feed, now) for feed in AdvisoryFeed.objects.all()]


def _state(feed: AdvisoryFeed, now: datetime) -> FeedState:
    state, words = feed_age(feed, now)
    return FeedState(
        feed.name,
        feed.kind,
        feed.source,
        feed.advisories,
        feed.newest_modified,
        feed.imported_at,
        feed.last_error,
        state,
        words,
    )


def feed_age(feed: AdvisoryFeed, now: datetime) -> tuple[str, str]:
    """Badge word and words for the age of a feed's newest advisory."""
    if feed.newest_modified is None:
        return "crit", "nothing imported"
    days = (now - feed.newest_modified).days
    words = "data of today" if days < 1 else f"data {days:,} day{'s' if days > 1 else ''} old"
    if now - feed.newest_modified > OLD:
        return "warn", words
    return ("warn", words) if feed.last_error else ("ok", words)
