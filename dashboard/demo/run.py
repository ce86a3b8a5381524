"""Sends the simulated fleet: its history as fast as the server takes it, then, if wanted, the present."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlencode

from dashboard.demo.audits import pip_audit_report
from dashboard.demo.bills import focus_file
from dashboard.demo.chunks import Chunk, make_chunk
from dashboard.demo.plan import simulation_of
from dashboard.demo.progress import Progress
from dashboard.demo.sender import Post, Sends, document
from dashboard.demo.state import DemoState, save_state
from dashboard.demo.story import DAY, MINUTE

LIVE_STEP_MS: Final = 15_000


def now_in_ms() -> int:
    return time.time_ns() // 1_000_000


class _Stretch(NamedTuple):
    """Ticks in (start, end]."""

    start_ms: int
    end_ms: int
    step_ms: int


class Demo:
    """One run over the fleet of `state`; what is acknowledged is noted in the data directory at once."""

    def __init__(
        self, data_dir: Path, state: DemoState, progress: Progress, clock: Callable[[], int] = now_in_ms
    ) -> None:
        self._data_dir, self.state, self._progress, self._clock = data_dir, state, progress, clock
        self._simulation = simulation_of(state)

    async def run(self, sender: Sends, *, live: bool = False) -> None:
        """Send what is missing until now, and with `live` go on until cancelled. Raises DemoFailed."""
        await self._send_history(sender, self._clock() // MINUTE * MINUTE)
        await self._send_audits(sender)
        await self._send_bill(sender)
        self._progress.move(1.0)
        self._progress.end()
        while live:
            await self._send_present(sender)

    async def _send_history(self, sender: Sends, until_ms: int) -> None:
        begun = self.state.start_ms
        async for chunk in self._chunks(until_ms):
            await self._send_chunk(sender, chunk)
            done = (chunk.end_ms - begun) / max(until_ms - begun, 1)
            # The last percent is the audits and the bill.
            self._progress.move(0.99 * done, samples=chunk.samples, lines=chunk.lines)

    async def _chunks(self, until_ms: int) -> AsyncIterator[Chunk]:
        """Days from where the last run ended; the next one is made while this one is sent."""
        stretches = list(self._stretches(until_ms))
        following: asyncio.Task[Chunk] | None = None
        for place, stretch in enumerate(stretches):
            chunk = await (following or self._made(stretch))
            following = asyncio.create_task(self._made(stretches[place + 1])) if place + 1 < len(stretches) else None
            yield chunk

    async def _made(self, stretch: "_Stretch") -> Chunk:
        return await asyncio.to_thread(make_chunk, self._simulation, *stretch)

    def _stretches(self, until_ms: int) -> Iterator["_Stretch"]:
        """What is to be sent: first a chunk that was cut off, as it was, then day by day."""
        at = self.state.sent_until_ms
        if self.state.chunk_end_ms > at:
            yield _Stretch(at, self.state.chunk_end_ms, self.state.chunk_step_ms)
            at = self.state.chunk_end_ms
        while at < until_ms:
            end = min(_next_midnight(at), until_ms)
            yield _Stretch(at, end, MINUTE)
            at = end

    async def _send_chunk(self, sender: Sends, chunk: Chunk) -> None:
        state = self.state
        if state.chunk_end_ms != chunk.end_ms:
            state.chunk_end_ms, state.chunk_step_ms, state.chunk_logs = chunk.end_ms, chunk.step_ms, 0
            self._save()
        await asyncio.gather(*map(sender.send, [*chunk.metrics, *chunk.deployments]))
        for post in chunk.logs[state.chunk_logs :]:
            await sender.send(post)
            state.chunk_logs += 1
            self._save()
        state.sent_until_ms, state.chunk_end_ms, state.chunk_logs, state.carry = chunk.end_ms, 0, 0, chunk.carry
        self._save()

    async def _send_audits(self, sender: Sends) -> None:
        if self.state.audited:
            return
        posts = [
            document(
                "/api/audits?" + urlencode({"service": workload.service.name, "environment": workload.environment}),
                pip_audit_report(workload.service, workload.environment, self.state.seed),
            )
            for workload in self._simulation.workloads
        ]
        await asyncio.gather(*map(sender.send, posts))
        self.state.audited = True
        self._save()

    async def _send_bill(self, sender: Sends) -> None:
        """Charges of the days that are over and not billed yet, in one file."""
        today = self.state.sent_until_ms // DAY
        days = range(self.state.billed_until_day, today)
        if not days:
            return
        name = f"simulated-{_date(days[0])}-to-{_date(days[-1])}.csv"
        body = gzip.compress(focus_file(self._simulation, days), mtime=0)
        await sender.send(Post(f"/api/costs?{urlencode({'file': name})}", body, "text/csv", "gzip"))
        self.state.billed_until_day = today
        self._save()

    async def _send_present(self, sender: Sends) -> None:
        """Wait for the next tick and send it."""
        end_ms = (self.state.sent_until_ms // LIVE_STEP_MS + 1) * LIVE_STEP_MS
        await asyncio.sleep(max(0.0, (end_ms - self._clock()) / 1000))
        end_ms = max(end_ms, self._clock() // LIVE_STEP_MS * LIVE_STEP_MS)
        chunk = await self._made(_Stretch(self.state.sent_until_ms, end_ms, LIVE_STEP_MS))
        await self._send_chunk(sender, chunk)
        await self._send_bill(sender)
        self._progress.live(samples=chunk.samples, lines=chunk.lines)

    def _save(self) -> None:
        save_state(self._data_dir, self.state)


def _next_midnight(at_ms: int) -> int:
    return (at_ms // DAY + 1) * DAY


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY / 1000, UTC).date().isoformat()
