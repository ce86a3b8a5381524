"""`belvedere scrape`: looks at one target, or scrapes all of them in a process of its own."""

import argparse
import asyncio
import signal
import threading
import time
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from collectors.kept_connections import KeptConnections
from collectors.outbound import OutboundError, OutboundFailed, OutboundLimits, configured_policy, status_sentence
from collectors.pull.page_format import opened, page_format
from collectors.pull.scrape import request_of
from collectors.pull.scraper import Scraper, scrape_limits
from collectors.pull.targets import PLAIN_TEXT, target_at
from collectors.wire.exposition import parse_exposition
from telemetry.model.errors import TelemetryError
from telemetry.model.samples import SampleBatch

_STOP_SECONDS: Final = 10.0


class Command(BaseCommand):
    help = "Look at one target without storing anything, or (without URL) scrape all targets of a cluster."
    needs_store = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("url", nargs="?", metavar="URL", help="metrics page to look at")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["url"]:
            self._look(options["url"])
        else:
            self._run()

    def _look(self, url: str) -> None:
        started = time.perf_counter()
        try:
            page = asyncio.run(_probe(url))
        except (OutboundError, TelemetryError) as error:
            raise CommandError(f"{url}: {error}") from error
        families = {each.metric for each in page.metadata}
        seconds = time.perf_counter() - started
        self.stdout.write(f"{url}: {len(page)} samples, {len(families)} described metrics, {seconds:.3f} s")

    def _run(self) -> None:
        if str(settings.TELEMETRY_URL).startswith("chdb:"):
            raise CommandError(
                "`belvedere up` scrapes by itself; a process of its own needs BELVEDERE_TELEMETRY_URL=clickhouse://..."
            )
        ended = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        scraper = Scraper(shared=True)
        scraper.start()
        self.stdout.write("scraping; Ctrl-C ends it")
        try:
            while not ended.wait(1.0):
                if not scraper.alive():
                    raise CommandError("the scraper died; the log events above say why")
        except KeyboardInterrupt:
            pass
        finally:
            scraper.stop(_STOP_SECONDS)


async def _probe(url: str) -> SampleBatch:
    target = target_at(url)
    # Whoever types the address may reach this machine anyway.
    async with KeptConnections(configured_policy(loopback=True)) as connections:
        response = await connections.get(request_of(target), OutboundLimits(target.timeout_seconds))
    if response.status != 200:
        raise OutboundFailed(status_sentence(response.status))
    limits, kind = scrape_limits(), page_format(response.content_type, PLAIN_TEXT)
    page = opened(response.body, kind, target.job, limits)
    now_ms = time.time_ns() // 1_000_000
    return parse_exposition(page.text, default_timestamp_ms=now_ms, openmetrics=page.openmetrics, limits=limits)
