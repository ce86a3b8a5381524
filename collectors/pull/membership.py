"""This process among those that scrape: signs of life in the database, and the share that follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from collectors.pull.shards import Member, owner, sharing
from collectors.pull.targets import ScrapeTarget
from fleet.actions.scrape_jobs import leave, live_on
from fleet.models import ScrapeWorker


@dataclass(frozen=True, slots=True)
class View:
    """The living processes, as one of them last read them."""

    me: str
    members: tuple[Member, ...]
    margin: timedelta

    def share(self, targets: Mapping[str, ScrapeTarget], now: datetime) -> dict[str, ScrapeTarget]:
        """Targets that are this process' own at `now`.

        A target is let go of a margin before another process takes it, so that no two ever scrape it at once.
        """
        mine = next((each for each in self.members if each.name == self.me), None)
        if mine is None or not mine.joins_at <= now < mine.until - self.margin:
            return {}
        views = {sharing(self.members, now), self._with_joining(now)}
        return {
            name: target for name, target in targets.items() if all(owner(name, names) == self.me for names in views)
        }

    def _with_joining(self, now: datetime) -> tuple[str, ...]:
        soon = now + self.margin
        return tuple(sorted(each.name for each in self.members if each.joins_at <= soon and now < each.until))


class Membership:
    """Says that this process lives and reads who else does."""

    def __init__(self, name: str, refresh_seconds: float) -> None:
        self.name = name
        self._refresh = timedelta(seconds=refresh_seconds)

    def look(self) -> View:
        """Renew the own lease, read all. Call it every `refresh_seconds`."""
        # Others must have seen a new process before it takes its share, and be sure that a silent one is gone.
        live_on(name=self.name, now=timezone.now(), lease=6 * self._refresh, settle=4 * self._refresh)
        rows = ScrapeWorker.objects.filter(until__gt=timezone.now()).values_list("name", "joins_at", "until")
        return View(self.name, tuple(Member(*row) for row in rows), 2 * self._refresh)

    def leave(self) -> None:
        """Let the others take over at once. Call it when nothing is scraped here any more."""
        leave(name=self.name)
