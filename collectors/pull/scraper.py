"""Scrapes every target from one thread of its own, as a part of the running process."""

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from django.conf import settings

from collectors.kept_connections import KeptConnections
from collectors.outbound import OutboundPolicy, configured_policy
from collectors.pull.discoveries import Discoveries
from collectors.pull.gathering import Gathering
from collectors.pull.membership import Membership
from collectors.pull.scrape import ScrapeResult, ScrapeTools
from collectors.pull.target_states import TargetStates
from collectors.pull.targets import ScrapeTarget
from collectors.pull.watch import Watch
from collectors.wire.limits import DecodeLimits

_PARSING_THREADS: Final = 2
_START_SECONDS: Final = 5.0


def process_name() -> str:
    """Host and process: tells processes that share the targets apart."""
    return f"{socket.gethostname()}/{os.getpid()}"


class Scraper:
    """Starts a loop for every target that appears and ends the loop of every one that goes.

    `loopback` allows targets on this machine, for `belvedere up`; elsewhere they are refused. Targets are looked for
    every `refresh_seconds`, and their state is written back as often, all rows at once. With `shared`, the targets
    are divided among all processes that do the same on one database, under the name `worker`.
    """

    name = "scraper"

    def __init__(
        self, *, loopback: bool = False, refresh_seconds: float = 5.0, shared: bool = False, worker: str = ""
    ) -> None:
        self._loopback = loopback
        self._worker = worker or process_name()
        self._shared = shared
        self._refresh_seconds = refresh_seconds
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._ready = threading.Event()
        self._policy = OutboundPolicy()
        self._states = TargetStates()

    @property
    def states(self) -> Mapping[str, tuple[ScrapeTarget, ScrapeResult | None]]:
        """Every target that is scraped with its last result, by identity; discovered ones too."""
        return self._states.all()

    def start(self) -> None:
        """Returns once the thread's event loop runs. Raises ValueError for a configured network that is none."""
        self._policy = configured_policy(loopback=self._loopback)
        self._ready.clear()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise RuntimeError(f"the scraper did not start within {_START_SECONDS:g} s")

    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self, timeout_seconds: float) -> bool:
        """End scraping; series stay current, since another process may go on with them."""
        if self._loop is not None and self._main is not None and self.alive():
            with contextlib.suppress(RuntimeError):  # the loop ended in between
                self._loop.call_soon_threadsafe(self._main.cancel)
        if self._thread is not None:
            self._thread.join(timeout_seconds)
        return not self.alive()

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._scrape_all())

    async def _scrape_all(self) -> None:
        self._loop, self._main = asyncio.get_running_loop(), asyncio.current_task()
        with (
            ThreadPoolExecutor(1, "scraper-database") as database,
            ThreadPoolExecutor(1, "scraper-store") as storing,
            ThreadPoolExecutor(_PARSING_THREADS, "scraper-parse") as parsing,
        ):
            async with KeptConnections(self._policy) as kept:
                await self._watch(kept, database, storing, parsing)

    async def _watch(
        self,
        kept: KeptConnections,
        database: ThreadPoolExecutor,
        storing: ThreadPoolExecutor,
        parsing: ThreadPoolExecutor,
    ) -> None:
        membership = Membership(self._worker, self._refresh_seconds) if self._shared else None
        gathering = Gathering(storing, seconds=settings.SCRAPE_COMMIT)
        tools = ScrapeTools(kept, gathering, parsing, scrape_limits())
        discoveries = Discoveries(kept, settings.DNS_SERVERS)
        watch = Watch(tools, discoveries, self._states, database, self._worker, membership)
        gathering.on_refused = watch.refused
        writing = asyncio.create_task(gathering.forever())
        self._ready.set()
        try:
            await watch.forever(self._refresh_seconds)
        finally:
            await watch.end()
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)


def scrape_limits() -> DecodeLimits:
    """How much one page may hold."""
    return DecodeLimits(
        max_decoded_bytes=int(settings.INGEST["max_decoded_bytes"]), max_samples=int(settings.INGEST["max_samples"])
    )
