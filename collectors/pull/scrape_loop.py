"""Scrapes one target again and again: evenly, at its own place in the interval."""

import asyncio
import hashlib
from collections.abc import Callable

from collectors.pull.scrape import ScrapeResult, ScrapeTools, gather, scrape
from collectors.pull.scrape_memory import ScrapeMemory
from collectors.pull.targets import ScrapeTarget

OnResult = Callable[[ScrapeTarget, ScrapeResult], None]


def place_ms(identity: str, interval_ms: int) -> int:
    """Where in the interval a target is scraped, 0 to interval_ms - 1: the same after every start."""
    digest = hashlib.blake2b(identity.encode(), digest_size=8).digest()
    return int.from_bytes(digest) % interval_ms


def next_due_ms(now_ms: int, identity: str, interval_ms: int) -> int:
    """The first time from `now_ms` on at which the target is due, on the wall clock."""
    return now_ms + (place_ms(identity, interval_ms) - now_ms) % interval_ms


async def scrape_forever(target: ScrapeTarget, memory: ScrapeMemory, tools: ScrapeTools, on_result: OnResult) -> None:
    """Scrape until cancelled. Distances are measured by the monotonic clock, so steps of the wall clock do no harm."""
    loop, interval_ms = asyncio.get_running_loop(), round(target.interval_seconds * 1000)
    now_ms = tools.clock_ms()
    scheduled_ms = next_due_ms(now_ms, target.identity, interval_ms)
    due = loop.time() + (scheduled_ms - now_ms) / 1000
    while True:
        await asyncio.sleep(due - loop.time())
        on_result(target, await scrape(target, memory, tools, scheduled_ms))
        # What was missed (a long scrape, a suspended machine) is left out rather than made up for.
        passed = 1 + max(0, int((loop.time() - due) / target.interval_seconds))
        due += passed * target.interval_seconds
        scheduled_ms += passed * interval_ms


def end_series(target: ScrapeTarget, memory: ScrapeMemory, tools: ScrapeTools) -> None:
    """Say of every series of a target that it ended, because nobody scrapes it any more."""
    now_ms = tools.clock_ms()
    gather(memory.end(now_ms), target, memory, tools, memory.beside.failure(now_ms))
