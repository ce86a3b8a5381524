"""`belvedere scrape`: looks at one target, or scrapes all of them in a process of its own."""

import argparse
import asyncio
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from collectors.outbound import OutboundClient, OutboundError, configured_policy
from collectors.pull.scrape import ScrapeTools, fetch_page
from collectors.pull.scrape_memory import ScrapeMemory
from collectors.pull.scraper import Scraper, scrape_limits
from collectors.pull.targets import target_at
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
        scraper = Scraper()
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
    with ThreadPoolExecutor(1) as executor:
        # Whoever types the address may reach this machine anyway.
        async with OutboundClient(configured_policy(loopback=True)) as client:
            tools = ScrapeTools(client, executor, scrape_limits())
            return await fetch_page(target, ScrapeMemory(target.series), tools, tools.clock_ms())
