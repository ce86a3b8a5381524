"""One scrape: fetch the page of a target, read it, hand its samples to be stored."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from prometheus_client import Counter

from collectors.kept_connections import KeptConnections, PreparedGet, prepared_get
from collectors.outbound import OutboundError, OutboundFailed, OutboundLimits, OutboundResponse, status_sentence
from collectors.pull.beside import NOTHING_BESIDE, Beside
from collectors.pull.client_config import ssl_context
from collectors.pull.gathering import REFUSED, Gathering
from collectors.pull.job_config import PROTOCOLS, JobConfig
from collectors.pull.page_format import opened, page_format
from collectors.pull.scrape_memory import PageCounts, PageRefused, Piece, ScrapeMemory
from collectors.pull.targets import ScrapeTarget
from collectors.wire.limits import DecodeLimits
from telemetry.model.errors import TelemetryError

SCRAPES: Final = Counter("belvedere_scrapes", "Scrapes of targets.", ["result"])

_LARGE_PAGE_BYTES: Final = 512 * 1024
"""A page from here on is read beside the event loop."""
_BEHIND: Final = "not stored: more samples wait to be stored than are held in memory"


@dataclass(frozen=True, slots=True)
class ScrapeResult:
    """How one scrape went."""

    up: bool
    at_ms: int
    duration_seconds: float
    samples: int
    error: str = ""
    """Why it failed, or why (part of) it was not stored."""
    series: int = 0


@dataclass(frozen=True, slots=True)
class ScrapeTools:
    """What all scrapes share."""

    connections: KeptConnections
    gathering: Gathering
    executor: Executor
    """Reads large and new pages, beside the event loop."""
    limits: DecodeLimits
    clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000


async def scrape(
    target: ScrapeTarget, memory: ScrapeMemory, tools: ScrapeTools, scheduled_ms: int | None = None
) -> ScrapeResult:
    """Scrape `target` once and gather the outcome, a failure too. Never raises for what a target does.

    The samples get `scheduled_ms` if that is close enough to now: even distances compress better.
    """
    at_ms = _timestamp(tools.clock_ms(), scheduled_ms, target.interval_seconds)
    started = time.perf_counter()
    counts, problem = PageCounts(), ""
    duration: float | None = None
    beside = NOTHING_BESIDE
    try:
        response = await fetch_page(target, tools)
        duration = time.perf_counter() - started
        pieces, counts, beside = await _read(response, target, memory, tools, at_ms)
    except (OutboundError, TelemetryError) as error:
        problem = str(error) or type(error).__name__
        counts = error.counts if isinstance(error, PageRefused) else counts
        pieces, beside = memory.failure(at_ms), memory.beside.failure(at_ms)
    duration = time.perf_counter() - started if duration is None else duration
    SCRAPES.labels("failed" if problem else "ok").inc()
    report = memory.report(counts, up=not problem, duration_seconds=duration, timestamp_ms=at_ms)
    refused = gather([*pieces, report], target, memory, tools, beside)
    of_exemplars = "; ".join(refusal.message for refusal in beside.refusals)
    error_text = "; ".join(filter(None, (problem, refused, of_exemplars)))
    return ScrapeResult(not problem, at_ms, duration, counts.scraped, error_text, memory.series_count)


def gather(
    pieces: list[Piece],
    target: ScrapeTarget,
    memory: ScrapeMemory,
    tools: ScrapeTools,
    beside: Beside = NOTHING_BESIDE,
) -> str:
    """Hand `pieces` and what stands beside them over; why they are not taken, '' if they are."""
    if tools.gathering.add(pieces, target.service, memory, beside):
        return ""
    REFUSED.labels("store").inc(sum(len(piece.values) for piece in pieces))
    memory.not_stored(pieces)
    return _BEHIND


def _timestamp(now_ms: int, scheduled_ms: int | None, interval_seconds: float) -> int:
    """`scheduled_ms` if it is within 1 % of the interval (at most 10 ms) of now."""
    tolerance_ms = min(10.0, interval_seconds * 10)
    return scheduled_ms if scheduled_ms is not None and abs(now_ms - scheduled_ms) <= tolerance_ms else now_ms


async def fetch_page(target: ScrapeTarget, tools: ScrapeTools) -> OutboundResponse:
    """The page that `target` exposes now. Raises OutboundError with a sentence."""
    if target.problem:
        raise OutboundFailed(target.problem)
    most = target.job.limits.body_bytes or tools.limits.max_decoded_bytes
    limits = OutboundLimits(target.timeout_seconds, wire_bytes=most, decoded_bytes=most)
    response = await tools.connections.get(request_of(target), limits)
    if response.status != 200:
        raise OutboundFailed(status_sentence(response.status))
    return response


def request_of(target: ScrapeTarget) -> PreparedGet:
    """The request for a target's page; credentials in files are read now. Raises OutboundError."""
    client = target.job.client
    return _prepared(target, client.authorization(), id(ssl_context(client.tls)))


@lru_cache(maxsize=20_000)
def _prepared(target: ScrapeTarget, authorization: str, _context: int) -> PreparedGet:
    job = target.job
    headers = {
        "accept": accept_header(job),
        "accept-encoding": "gzip" if job.compression else "identity",
        "x-prometheus-scrape-timeout-seconds": f"{target.timeout_seconds:g}",
    }
    if authorization:
        headers["authorization"] = authorization
    tls = ssl_context(job.client.tls)
    return prepared_get(target.url, headers, tls=tls, server_name=job.client.tls.server_name)


@lru_cache(maxsize=1000)
def accept_header(job: JobConfig) -> str:
    """Formats by preference, with the escaping of names that is wanted, as Prometheus asks for them."""
    weight = len(PROTOCOLS) + 1
    words = []
    for position, protocol in enumerate(job.protocols):
        escaping = f";escaping={job.escaping}" if protocol.endswith("1.0.0") else ""
        words.append(f"{PROTOCOLS[protocol]}{escaping};q=0.{weight - position}")
    return ",".join([*words, f"*/*;q=0.{weight - len(job.protocols)}"])


async def _read(
    response: OutboundResponse, target: ScrapeTarget, memory: ScrapeMemory, tools: ScrapeTools, at_ms: int
) -> tuple[list[Piece], PageCounts, Beside]:
    kind = page_format(response.content_type, target.job.fallback_protocol)

    def read() -> tuple[list[Piece], PageCounts, Beside]:
        page = opened(response.body, kind, target.job, tools.limits)
        beside = memory.beside.page(page.exemplars, page.histograms, timestamp_ms=at_ms)
        pieces, counts = memory.page(page.text, openmetrics=page.openmetrics, timestamp_ms=at_ms)
        return pieces, counts.with_further(memory.beside.histograms), beside

    if memory.series_count and len(response.body) < _LARGE_PAGE_BYTES:
        return read()
    return await asyncio.get_running_loop().run_in_executor(tools.executor, read)
