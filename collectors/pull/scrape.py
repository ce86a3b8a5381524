"""One scrape: fetch the page of a target, parse it, store it."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from prometheus_client import Counter

from collectors.outbound import OutboundClient, OutboundError, OutboundFailed, OutboundLimits, status_sentence
from collectors.pull.scrape_memory import ScrapeMemory
from collectors.pull.targets import ScrapeTarget
from collectors.wire.exposition import is_openmetrics, parse_exposition
from collectors.wire.limits import DecodeLimits
from telemetry.model.errors import TelemetryError
from telemetry.model.samples import SampleBatch, WriteReceipt
from telemetry.store import current

ACCEPT: Final = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"

SCRAPES: Final = Counter("belvedere_scrapes", "Scrapes of targets.", ["result"])
REFUSED: Final = Counter("belvedere_scrape_refused_samples", "Scraped samples that were not stored.", ["reason"])

_COMMIT_SECONDS: Final = 2.0
"""How long the end of a loop waits for the commit of what it wrote last."""

_log = structlog.get_logger("belvedere.scrape")


@dataclass(frozen=True, slots=True)
class ScrapeResult:
    """How one scrape went."""

    up: bool
    at_ms: int
    duration_seconds: float
    samples: int
    error: str = ""
    """Why it failed, or why (part of) it was not stored."""


@dataclass(frozen=True, slots=True)
class ScrapeTools:
    """What all scrapes share."""

    client: OutboundClient
    executor: Executor
    """Parses and looks series up, beside the event loop."""
    limits: DecodeLimits
    clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000


async def scrape(
    target: ScrapeTarget, memory: ScrapeMemory, tools: ScrapeTools, scheduled_ms: int | None = None
) -> ScrapeResult:
    """Scrape `target` once and store the outcome, a failure too. Never raises for what a target or the store does.

    The samples get `scheduled_ms` if that is close enough to now: even distances compress better.
    """
    at_ms = _timestamp(tools.clock_ms(), scheduled_ms, target.interval_seconds)
    started = time.perf_counter()
    try:
        page = await fetch_page(target, memory, tools, at_ms)
    except (OutboundError, TelemetryError) as error:
        duration = time.perf_counter() - started
        SCRAPES.labels("failed").inc()
        stored = await store(memory.failure(at_ms, duration), target, memory, tools)
        return ScrapeResult(False, at_ms, duration, 0, "; ".join(filter(None, (str(error), stored))))
    duration = time.perf_counter() - started
    SCRAPES.labels("ok").inc()
    stored = await store(memory.page(page, at_ms, duration), target, memory, tools)
    return ScrapeResult(True, at_ms, duration, len(page), stored)


def _timestamp(now_ms: int, scheduled_ms: int | None, interval_seconds: float) -> int:
    """`scheduled_ms` if it is within 1 % of the interval (at most 10 ms) of now."""
    tolerance_ms = min(10.0, interval_seconds * 10)
    return scheduled_ms if scheduled_ms is not None and abs(now_ms - scheduled_ms) <= tolerance_ms else now_ms


async def fetch_page(target: ScrapeTarget, memory: ScrapeMemory, tools: ScrapeTools, at_ms: int) -> SampleBatch:
    """What `target` exposes now. Raises OutboundError or TelemetryError with a sentence."""
    if target.problem:
        raise OutboundFailed(target.problem)
    headers = {"accept": ACCEPT, "x-prometheus-scrape-timeout-seconds": f"{target.timeout_seconds:g}"}
    if target.authorization:
        headers["authorization"] = target.authorization
    most = tools.limits.max_decoded_bytes
    limits = OutboundLimits(target.timeout_seconds, wire_bytes=most, decoded_bytes=most)
    response = await tools.client.get(target.url, headers=headers, limits=limits)
    if response.status != 200:
        raise OutboundFailed(status_sentence(response.status))
    parse = partial(
        parse_exposition,
        response.body,
        default_timestamp_ms=at_ms,
        openmetrics=is_openmetrics(response.content_type),
        target=target.series,
        known=memory.known,
        limits=tools.limits,
    )
    return await asyncio.get_running_loop().run_in_executor(tools.executor, parse)


async def store(batch: SampleBatch, target: ScrapeTarget, memory: ScrapeMemory, tools: ScrapeTools) -> str:
    """Write `batch` and wait for its commit; why (part of) it was not stored, '' if all is well."""
    loop = asyncio.get_running_loop()
    try:
        future = await loop.run_in_executor(tools.executor, _write, batch, target.service)
        receipt = await _committed(future)
    except TelemetryError as error:
        REFUSED.labels("store").inc(len(batch))
        _log.warning("scrape not stored", url=target.url, error=str(error))
        return f"not stored: {error}"
    memory.commit()
    for refusal in receipt.refusals:
        REFUSED.labels(refusal.reason).inc(refusal.count)
    return "; ".join(refusal.message for refusal in receipt.refusals)


async def _committed(future: Future[WriteReceipt]) -> WriteReceipt:
    """Result of `future`, which a cancellation of ours must not reach: it is shared with other writers."""
    pending = asyncio.wrap_future(future)
    try:
        return await asyncio.shield(pending)
    except asyncio.CancelledError:
        await asyncio.wait({pending}, timeout=_COMMIT_SECONDS)
        raise


def _write(batch: SampleBatch, service: str | None) -> Future[WriteReceipt]:
    return current().write_samples(batch, service=service)
